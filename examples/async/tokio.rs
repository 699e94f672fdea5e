//! The store in a tokio program.
//!
//! `cargo run -p image-store-examples --bin tokio`
//!
//! The library blocks: a lookup for microseconds, a durable write for as long as the disk takes to
//! sync, and longer while another process writes. So it runs on tokio's threads for blocking work.
//! A transaction stays on the thread that began it: all its steps go into one closure.

use std::error::Error;
use std::sync::Arc;

use image_store::{Image, ImageStore, Lookup as _, NewImage, Snapshot, Transaction};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// What goes wrong in an async program: the library's errors, and panics of its own closures.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A store that can be awaited.
#[derive(Clone, Debug)]
struct AsyncStore {
    store: ImageStore,
    /// One writes at a time anyway; waiting here costs no thread.
    writer: Arc<Semaphore>,
}

impl AsyncStore {
    fn new(store: ImageStore) -> Self {
        Self {
            store,
            writer: Arc::new(Semaphore::new(1)),
        }
    }

    /// Many lookups on one state.
    async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Snapshot) -> image_store::Result<R> + Send + 'static,
    ) -> Outcome<R> {
        let store = self.store.clone();
        let result = spawn_blocking(move || look(&store.read()?)).await?;
        Ok(result?)
    }

    /// Many steps that become visible at once, or not at all where `step` fails. When this returns,
    /// they are on disk. A future that is dropped does not stop what has begun.
    async fn write<R: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Transaction) -> image_store::Result<R> + Send + 'static,
    ) -> Outcome<R> {
        let turn = Arc::clone(&self.writer).acquire_owned().await?;
        let store = self.store.clone();
        let result = spawn_blocking(move || {
            // Until the commit, even if nobody awaits it any more.
            let _turn = turn;
            let mut transaction = store.write()?;
            let result = step(&mut transaction)?;
            transaction.commit()?;
            Ok::<_, image_store::Error>(result)
        });
        Ok(result.await??)
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("images.redb");
    let store = spawn_blocking(move || ImageStore::open(path)).await??;
    let count = fill(&AsyncStore::new(store)).await?;
    println!("created {count} images");
    Ok(())
}

/// Creates images at once from many tasks, and counts them.
async fn fill(store: &AsyncStore) -> Outcome<u64> {
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let name = format!("localhost/app:{number}");
                let image: Image = store
                    .write(move |transaction| {
                        let image = transaction.create(NewImage::new().name(name))?;
                        transaction.set_flag(&image.id, "ready", true.into())?;
                        Ok(image)
                    })
                    .await?;
                store.read(move |snapshot| snapshot.get(&image.id)).await
            })
        })
        .collect();
    for task in tasks {
        let image = task.await??;
        assert_eq!(image.flags["ready"], true);
    }
    store.read(|snapshot| snapshot.len()).await
}

#[cfg(test)]
mod tests {
    use super::{AsyncStore, ImageStore, NewImage, fill};
    use image_store::Lookup as _;

    #[tokio::test]
    async fn tasks_write_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::open(folder.path().join("images.redb")).unwrap();
        assert_eq!(fill(&AsyncStore::new(store)).await.unwrap(), 20);
    }

    #[tokio::test]
    async fn a_step_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::open(folder.path().join("images.redb")).unwrap();
        let store = AsyncStore::new(store);
        let failed = store
            .write(|transaction| {
                transaction.create(NewImage::new().id("a"))?;
                transaction.delete("unknown")
            })
            .await;
        assert!(failed.is_err());
        assert!(!store.read(|snapshot| snapshot.exists("a")).await.unwrap());
    }
}
