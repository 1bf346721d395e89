//! SIGTERM.

use std::time::Duration;

use sms_provider_http::sandbox::{Behaviour, Response, Sandbox, SandboxConfig};

use crate::account::{assert_balanced, count, settled};
use crate::load::Load;
use crate::server::{PATIENCE, Server, free_port, get};

fn config(sandbox: &Sandbox, delay: &str) -> String {
    let [grpc, delivery, admin] = [(); 3].map(|()| free_port());
    format!(
        "[grpc]\nlisten = \"127.0.0.1:{grpc}\"\n\
         [delivery]\nlisten = \"127.0.0.1:{delivery}\"\n\
         [admin]\nlisten = \"127.0.0.1:{admin}\"\n\
         [drain]\ndelay = \"{delay}\"\n\
         [[provider]]\nname = \"main\"\nkind = \"megafon\"\nurl = \"{}\"\nfrom = \"Test\"\n\
         login = \"sandbox\"\npassword = \"sandbox\"\ntimeout = \"10s\"\n",
        sandbox.url()
    )
}

async fn sandbox() -> Sandbox {
    let config = SandboxConfig {
        report_delay: Duration::from_millis(20)..=Duration::from_millis(100),
        ..SandboxConfig::default()
    };
    Sandbox::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_it_loses_nothing_and_leaves_nothing_unsettled() {
    let sandbox = sandbox().await;
    let slow = Behaviour::answering(Response::After(Duration::from_millis(300)));
    sandbox.set_behaviour(Some(slow));
    let folder = tempfile::tempdir().unwrap();
    let config = config(&sandbox, "0s");
    let server = Server::start_exactly(folder.path(), &config);
    let load = Load::start(&server.grpc);
    load.goes_on(50).await;
    server.signal("TERM");
    let status = server.ended();
    assert!(status.success(), "{status}");
    let server = Server::start_exactly(folder.path(), &config);
    load.goes_on(5).await;
    let accepted = load.stop().await;
    let messages = settled(&server);
    assert_balanced(&server, &accepted, &messages, &sandbox);
    assert_eq!(count(&messages, "delivered"), messages.len());
    let again = messages.iter().filter(|message| {
        message["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .any(|change| change["state"] == "unconfirmed")
    });
    assert_eq!(again.count(), 0, "an answer was waited for, not lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_not_ready_but_alive_while_it_drains() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_exactly(folder.path(), &config(&sandbox, "3s"));
    assert_eq!(get(&server.admin, "/readyz"), (200, "ok\n".into()));
    server.signal("TERM");
    let turned = async {
        while get(&server.admin, "/readyz").0 == 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, turned).await.unwrap();
    let (status, words) = get(&server.admin, "/readyz");
    assert_eq!(
        (status, words.starts_with("draining")),
        (503, true),
        "{words}"
    );
    assert_eq!(get(&server.admin, "/livez").0, 200);
    // Load balancers may not have noticed yet: calls are still taken.
    server.says(&["send", "+79991234567", "Hi"]);
    assert!(server.ended().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let sandbox = sandbox().await;
    sandbox.set_behaviour(Some(Behaviour::answering(Response::Never)));
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_exactly(folder.path(), &config(&sandbox, "0s"));
    server.says(&["send", "+79991234567", "Hi"]);
    server.signal("INT");
    let draining = async {
        while !server.log().contains("draining") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, draining).await.unwrap();
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(143));
}
