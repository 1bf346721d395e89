//! The rules that every provider keeps.

mod megafon {
    use std::sync::Arc;

    use sms_core::Provider;
    use sms_provider_http::sandbox::{self, Sandbox, SandboxConfig};

    async fn fresh() -> (Arc<dyn Provider>, Sandbox) {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let client = crate::support::client();
        let built = sandbox::provider(&sandbox, "main".parse().unwrap(), &client).unwrap();
        (built.provider, sandbox)
    }

    sms_core::provider_conformance!(fresh);
}

mod megafon_faults {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use sms_core::Provider;

    async fn harness() -> (impl Fn(SocketAddr) -> Arc<dyn Provider>, ()) {
        let at = |addr| crate::support::megafon(&format!("http://{addr}/")).provider;
        (at, ())
    }

    sms_core::provider_faults!(harness);
}

mod configured_faults {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use sms_core::Provider;

    async fn harness() -> (impl Fn(SocketAddr) -> Arc<dyn Provider>, ()) {
        (at, ())
    }

    fn at(addr: SocketAddr) -> Arc<dyn Provider> {
        let settings = format!(
            "url = 'http://{addr}/send'\nfrom = 'Brand'\ntimeout = '1s'\ndeduplicates = true\n\
             body.form = {{ to = '{{to}}', from = '{{from}}', text = '{{text}}', \
             id = '{{reference}}' }}"
        );
        crate::support::build("http", &settings).unwrap().provider
    }

    sms_core::provider_faults!(harness);
}
