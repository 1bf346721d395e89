//! Makes the gRPC client of the load generator from `proto/`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let files = protox::compile(["legacy.proto"], ["proto"])?;
    println!("cargo:rerun-if-changed=proto/legacy.proto");
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .compile_fds(files)?;
    Ok(())
}
