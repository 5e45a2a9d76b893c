//! What a process has because others may work on the same database: a way to them, and its part of
//! the chats. With SQLite there are no others.

use std::sync::Arc;

use chat::Placements;
use db::{Authority, Engine};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vault::Vault;
use zeroize::Zeroizing;

use crate::ServerError;
use crate::compose::seed;
use crate::config::Config;
use crate::peers::{self, Identity, Listener, Peers};

/// One process of several.
pub(crate) struct Several {
    pub placements: Placements,
    pub peers: Peers,
    socket: Arc<TcpListener>,
    tls: TlsAcceptor,
}

impl Several {
    /// Listens for the others, and tells them where; nothing in an installation of one process.
    pub(crate) async fn open(
        config: &Config,
        vault: &Vault,
        authority: &Authority,
    ) -> Result<Option<Self>, ServerError> {
        match authority.db().engine() {
            Engine::Sqlite => return Ok(None),
            Engine::Postgres => {}
        }
        let seed: Zeroizing<[u8; 32]> = seed(vault, authority, "peer-key").await?;
        let identity = Identity::new(&seed).map_err(ServerError::Tls)?;
        let socket = crate::listen(peers::listen_address(config)).await?;
        let listening = socket.local_addr().map_err(ServerError::Serve)?;
        let address = peers::address(config, listening).map_err(ServerError::PeerAddress)?;
        tracing::info!(%listening, %address, "other processes are answered");
        let placements = Placements::new(authority.clone(), address);
        placements.join().await?;
        Ok(Some(Self {
            placements,
            peers: Peers::new(&identity),
            socket: Arc::new(socket),
            tls: peers::acceptor(&identity),
        }))
    }

    /// Keeps what this process holds, and answers the others, until it is told to stop.
    pub(crate) fn start(
        &self,
        (live, api): (chat::Live, axum::Router),
        stopping: &CancellationToken,
        tasks: &TaskTracker,
    ) {
        let placements = self.placements.clone();
        tasks.spawn(placements.run(stopping.clone().cancelled_owned()));
        let listener = Listener {
            socket: Arc::clone(&self.socket),
            tls: self.tls.clone(),
            live,
            api,
        };
        tasks.spawn(listener.run(stopping.clone()));
    }
}
