//! The road from a request to an answer, hop by hop.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::admit::admit;
use crate::allowance::{Allowance, Refusal};
use crate::connection::Connection;
use crate::dial::{Dial, SystemDialer, connect_any};
use crate::error::{EgressError, Failure, Phase};
use crate::exchange::{Answer, Stream, exchange, tls_cause};
use crate::limits::Limits;
use crate::meter::Meter;
use crate::progress::{Counted, Progress};
use crate::redirect;
use crate::request::Request;
use crate::resolve::{Resolve, SystemResolver};
use crate::response::{HopRecord, Response};
use crate::target::{HttpTarget, Scheme};
use crate::tls::{Trust, client_config, server_name};

/// One request that is about to go out, as the gate sees it.
#[derive(Debug, Clone, Copy)]
pub struct Hop<'a> {
    /// Where it goes.
    pub target: &'a HttpTarget,
    /// With which method, after a redirect's rewriting.
    pub method: &'a Method,
    /// 0 for the request itself, then one more for each redirect.
    pub index: u32,
    /// The target that redirected here.
    pub redirected_from: Option<&'a HttpTarget>,
}

/// Decides on every hop, before its name is resolved. Policy is the caller's; this crate has none.
pub type Gate<'a> = dyn Fn(&Hop<'_>) -> Result<Allowance, Refusal> + Send + Sync + 'a;

/// Fetches. Cheap to clone; holds no connections.
#[derive(Clone)]
pub struct Client {
    resolver: Arc<dyn Resolve>,
    dialer: Arc<dyn Dial>,
    tls: Arc<ClientConfig>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client on the operating system's resolver and network.
    ///
    /// # Errors
    /// If a root given in `trust` is no certificate.
    pub fn new(trust: Trust) -> Result<Client, rustls::Error> {
        Client::with(SystemResolver, SystemDialer, trust)
    }

    /// A client on another resolver and dialer.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(
        resolver: impl Resolve,
        dialer: impl Dial,
        trust: Trust,
    ) -> Result<Client, rustls::Error> {
        Ok(Client {
            resolver: Arc::new(resolver),
            dialer: Arc::new(dialer),
            tls: client_config(trust)?,
        })
    }

    /// Sends the request, follows its redirects, and returns the answer, whatever its status.
    ///
    /// The gate is asked before each hop. If the future is dropped, the connection is closed and the
    /// outcome is unknown.
    ///
    /// # Errors
    /// See [`Failure`]; [`EgressError::delivery`] tells whether a peer can have acted.
    pub async fn fetch(
        &self,
        request: Request,
        limits: &Limits,
        gate: &Gate<'_>,
    ) -> Result<Response, EgressError> {
        let meter = Arc::new(Meter::default());
        self.fetch_metered(request, limits, gate, &meter).await
    }

    /// The same, counted and bounded by a meter that the caller reads.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_metered(
        &self,
        request: Request,
        limits: &Limits,
        gate: &Gate<'_>,
        meter: &Arc<Meter>,
    ) -> Result<Response, EgressError> {
        request.check(limits)?;
        let progress = Arc::new(Progress::on(Arc::clone(meter)));
        let fetching = Box::pin(self.follow(request, limits, gate, &progress));
        timeout(limits.total_timeout, fetching)
            .await
            .unwrap_or(Err(Failure::Timeout {
                phase: Phase::Total,
            }))
            .map_err(|failure| {
                count_refusal(&failure);
                EgressError::new(failure, progress.delivery())
            })
    }

    /// Opens a connection for a caller that speaks over it itself, and may keep it for further
    /// requests to this very target. Everything that [`fetch`](Self::fetch) checks before it speaks
    /// is checked here; what is spoken, how long and how much, is the caller's.
    ///
    /// # Errors
    /// As for a fetch that comes no further.
    pub async fn open(
        &self,
        target: &HttpTarget,
        allowance: &Allowance,
        limits: &Limits,
    ) -> Result<Connection, EgressError> {
        let progress = Arc::new(Progress::default());
        match self.connect(target, allowance, limits, &progress).await {
            Ok((stream, _)) => Ok(Connection(stream)),
            Err(failure) => {
                count_refusal(&failure);
                Err(failure.into())
            }
        }
    }

    async fn follow(
        &self,
        mut request: Request,
        limits: &Limits,
        gate: &Gate<'_>,
        progress: &Arc<Progress>,
    ) -> Result<Response, Failure> {
        let mut hops: Vec<HopRecord> = Vec::new();
        for index in 0..=limits.redirects_max {
            let hop = Hop {
                target: &request.target,
                method: &request.method,
                index,
                redirected_from: hops.last().map(|hop| &hop.target),
            };
            let allowance = gate(&hop).map_err(|refusal| Failure::Policy {
                origin: request.target.origin(),
                refusal,
            })?;
            let (stream, address) = self
                .connect(&request.target, &allowance, limits, progress)
                .await?;
            let answer = exchange(stream, &request, limits, progress).await?;
            let record = |status| HopRecord {
                target: request.target.clone(),
                method: request.method.clone(),
                address,
                status,
            };
            match answer {
                Answer::Redirect { status, to } => {
                    hops.push(record(status));
                    redirect::follow(&mut request, status, to, limits)?;
                    progress.redirected();
                }
                Answer::Final {
                    head,
                    body,
                    truncated,
                } => {
                    hops.push(record(head.status));
                    return Ok(Response {
                        status: head.status,
                        headers: head.headers,
                        body: Bytes::from(body),
                        truncated,
                        final_url: request.target,
                        hops,
                    });
                }
            }
        }
        Err(Failure::TooManyRedirects {
            limit: limits.redirects_max,
        })
    }

    /// Resolves, checks, dials, and speaks TLS, all before one deadline.
    async fn connect(
        &self,
        target: &HttpTarget,
        allowance: &Allowance,
        limits: &Limits,
        progress: &Arc<Progress>,
    ) -> Result<(Box<dyn Stream>, SocketAddr), Failure> {
        let connecting = async {
            let addresses = admit(self.resolver.as_ref(), target, allowance).await?;
            let (socket, address) = connect_any(self.dialer.as_ref(), &addresses)
                .await
                .map_err(|error| Failure::Connect {
                    origin: target.origin(),
                    reason: error.kind().to_string(),
                })?;
            let socket = Counted {
                socket,
                progress: progress.clone(),
            };
            let stream: Box<dyn Stream> = match target.scheme() {
                Scheme::Http => Box::new(socket),
                Scheme::Https => Box::new(self.secure(target, socket).await?),
            };
            Ok((stream, address))
        };
        timeout(limits.connect_timeout, connecting)
            .await
            .unwrap_or(Err(Failure::Timeout {
                phase: Phase::Connect,
            }))
    }

    async fn secure<S: Stream>(
        &self,
        target: &HttpTarget,
        socket: S,
    ) -> Result<impl Stream + use<S>, Failure> {
        let name = server_name(target)?;
        TlsConnector::from(self.tls.clone())
            .connect(name, socket)
            .await
            .map_err(|error| {
                let origin = target.origin();
                match tls_cause(&error) {
                    Some(tls) => Failure::Tls {
                        origin,
                        reason: tls.to_string(),
                    },
                    None => Failure::Connect {
                        origin,
                        reason: error.kind().to_string(),
                    },
                }
            })
    }
}

fn count_refusal(failure: &Failure) {
    if let Some(reason) = failure.refusal() {
        metrics::counter!("chancery_egress_refusals_total", "reason" => reason).increment(1);
    }
}
