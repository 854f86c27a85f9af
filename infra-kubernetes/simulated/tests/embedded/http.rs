//! The cluster on a socket.

use infra_kubernetes_simulated::{Kubernetes, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

async fn raw(address: std::net::SocketAddr, head: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{head}\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}

#[tokio::test]
async fn it_serves_until_it_is_stopped() {
    let kubernetes = Kubernetes::memory(Settings::instant());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let cluster = kubernetes.clone();
    let server = tokio::spawn(async move {
        let stop = async {
            let _ = stopped.await;
        };
        cluster.serve(listener, stop).await
    });
    let refused = raw(address, "GET /api/v1/namespaces HTTP/1.1").await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    let listed =
        raw(address, "GET /api/v1/namespaces HTTP/1.1\r\nauthorization: Bearer x").await.unwrap();
    assert!(listed.starts_with("HTTP/1.1 200 ") && listed.contains("kube-system"), "{listed}");
    let kubectl = raw(address, "GET /version HTTP/1.1\r\nuser-agent: kubectl/v1.33").await.unwrap();
    assert!(kubectl.starts_with("HTTP/1.1 200 "), "{kubectl}");
    let watched = raw(
        address,
        "GET /api/v1/namespaces?watch=1&timeoutSeconds=1 HTTP/1.1\r\nauthorization: Bearer x",
    )
    .await
    .unwrap();
    assert!(
        watched.contains("transfer-encoding: chunked") && watched.contains("ADDED"),
        "{watched}"
    );
    kubernetes.faults().lose_reply(1, "");
    let lost = raw(address, "GET /api/v1/namespaces HTTP/1.1\r\nauthorization: Bearer x").await;
    assert!(lost.is_err() || lost.is_ok_and(|it| it.is_empty()), "the connection ends");
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
