//! Lookups over HTTP, with axum.
//!
//! `cargo run -p image-store-examples --bin http -- STORE [ADDRESS]`
//!
//! - `GET /images?prefix=ab&after=ab12&limit=100`: IDs, a page of them
//! - `GET /images/{reference}`: an image, by its ID, a name, or a prefix of its ID
//! - `GET /data/{key}/{reference}`: the bytes of one of its items
//!
//! SIGINT or SIGTERM ends it: it takes no more connections, answers what was asked, and closes the
//! store. The store is opened read-only, so that it is never in the way of those who write.

use std::error::Error;
use std::future::Future;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use image_store::legacy::ImageJson;
use image_store::{ErrorKind, ImageStore, Lookup as _, Prefix};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

/// The most IDs of a page.
const PAGE: usize = 1_000;

/// Items are manifests and the like; larger ones should be streamed.
const LARGEST_ITEM: u64 = 16 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: http STORE [ADDRESS]";
    let path = arguments.next().ok_or(usage)?;
    let address = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());

    let store = spawn_blocking(|| ImageStore::options().read_only(true).open(path)).await??;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, store, asked_to_end()).await?;
    println!("ended");
    Ok(())
}

/// Serves until `end`, and then what was asked before it.
async fn serve(
    listener: TcpListener,
    store: ImageStore,
    end: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/images", get(ids))
        .route("/images/{*reference}", get(image))
        .route("/data/{key}/{*reference}", get(data))
        .with_state(store);
    axum::serve(listener, router)
        .with_graceful_shutdown(end)
        .await
}

/// Waits for SIGINT or SIGTERM.
async fn asked_to_end() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    after: String,
    limit: Option<usize>,
}

async fn ids(
    State(store): State<ImageStore>,
    Query(page): Query<Page>,
) -> Result<Response, Refusal> {
    let ids = blocking(move || {
        let query = Prefix::new(&page.prefix).after(&page.after);
        let limit = page.limit.unwrap_or(PAGE).min(PAGE);
        store.ids(query)?.take(limit).collect::<Result<Vec<_>, _>>()
    });
    Ok(Json(ids.await?).into_response())
}

async fn image(
    State(store): State<ImageStore>,
    Path(reference): Path<String>,
) -> Result<Response, Refusal> {
    let image = blocking(move || store.get(&reference)).await?;
    Ok(Json(ImageJson::new(&image).with_digests()).into_response())
}

async fn data(
    State(store): State<ImageStore>,
    Path((key, reference)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let bytes = blocking(move || {
        // One state for both, so that the item has the size that was checked.
        let snapshot = store.read()?;
        let size = snapshot.big_data_size(&reference, &key)?;
        if size > LARGEST_ITEM {
            return Ok(None);
        }
        snapshot.big_data(&reference, &key).map(Some)
    });
    match bytes.await? {
        Some(bytes) => {
            let kind = [(CONTENT_TYPE, "application/octet-stream")];
            Ok((kind, Bytes::from(bytes)).into_response())
        }
        None => Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
    }
}

/// Runs a lookup where it may block.
async fn blocking<R: Send + 'static>(
    look: impl FnOnce() -> image_store::Result<R> + Send + 'static,
) -> Result<R, Refusal> {
    match spawn_blocking(look).await {
        Ok(result) => result.map_err(Refusal::Store),
        Err(panicked) => Err(Refusal::Panicked(panicked.to_string())),
    }
}

/// Why there is no answer.
enum Refusal {
    Store(image_store::Error),
    Panicked(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, kind, message) = match self {
            Self::Store(error) => {
                let status = match error.kind() {
                    ErrorKind::ImageUnknown
                    | ErrorKind::BigDataUnknown
                    | ErrorKind::SizeUnknown => StatusCode::NOT_FOUND,
                    ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::INTERNAL_SERVER_ERROR,
                };
                (status, error.kind().as_str(), error.to_string())
            }
            Self::Panicked(message) => (StatusCode::INTERNAL_SERVER_ERROR, "panic", message),
        };
        (
            status,
            Json(json!({"error": {"kind": kind, "message": message}})),
        )
            .into_response()
    }
}

#[cfg(test)]
mod tests {
    use image_store::{ImageStore, NewImage};
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;

    use super::serve;

    /// Asks for `path`, and returns the status and the body.
    async fn ask(address: std::net::SocketAddr, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap();
        (status.parse().unwrap(), body.to_owned())
    }

    #[tokio::test]
    async fn images_are_served_until_it_is_asked_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.redb");
        let store = ImageStore::open(&path).unwrap();
        for id in ["ab1", "ab2", "c"] {
            let name = format!("quay.io/app:{id}");
            let image = NewImage::new().id(id).name(name);
            store
                .create(image.big_data("manifest", b"{}".as_slice()))
                .unwrap();
        }
        store.close();

        let store = ImageStore::options().read_only(true).open(&path).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, store, async {
            let _ = ended.await;
        }));

        let json = |body: &str| serde_json::from_str::<Value>(body).unwrap();
        let (status, body) = ask(address, "/images?prefix=ab&limit=1").await;
        assert_eq!((status, json(&body)), (200, json!(["ab1"])));
        let (_, body) = ask(address, "/images?prefix=ab&after=ab1").await;
        assert_eq!(json(&body), json!(["ab2"]));
        for reference in ["c", "quay.io/app:c"] {
            let (status, body) = ask(address, &format!("/images/{reference}")).await;
            assert_eq!((status, &json(&body)["id"]), (200, &json!("c")));
        }
        let (status, body) = ask(address, "/images/none").await;
        assert_eq!(status, 404);
        assert_eq!(json(&body)["error"]["kind"], "image-unknown");
        let (status, body) = ask(address, "/data/manifest/quay.io/app:c").await;
        assert_eq!((status, body.as_str()), (200, "{}"));
        assert_eq!(ask(address, "/data/none/c").await.0, 404);

        end.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert!(
            TcpStream::connect(address).await.is_err(),
            "it still listens"
        );
    }
}
