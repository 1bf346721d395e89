# The image of `sms`: one binary and the few files it needs, nothing to log in to, no shell.
#
#   docker build --tag sms .
#   docker run --rm sms --help

FROM rust:1.90-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked --package sms-server && \
    install -D target/dist/sms /image/usr/local/bin/sms
# The C library and two companions of it, found by asking the binary. A static binary (musl) would
# do without them, but SQLite, ring and the allocator are C and would need a second toolchain, and
# musl resolves names in other ways than every other program on the network.
RUN ldd /image/usr/local/bin/sms | grep --only-matching '/[^ ]*' | \
    xargs cp --dereference --parents --target-directory=/image && \
    cp --parents --target-directory=/image /etc/ssl/certs/ca-certificates.crt && \
    install --directory --mode=1777 /image/tmp && \
    install --directory /state/sms

FROM scratch
COPY --from=build /image /
# Any number but 0: nothing in the image is owned by it but the folder for an SQLite store.
COPY --from=build --chown=65532:65532 /state /var/lib
USER 65532:65532
WORKDIR /var/lib/sms
EXPOSE 50051 8000 9464
STOPSIGNAL SIGTERM
# Whether it lives, not whether it is ready: who restarts what is not healthy must not restart a
# process because its store is down.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s \
    CMD ["/usr/local/bin/sms", "health", "--live"]
ENTRYPOINT ["/usr/local/bin/sms"]
CMD ["serve"]
