//! A resolver and a dialer that tests command and question, and a client on them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use egress::{AddressClass, Allowance, Client, Dial, Hop, Refusal, Resolve, SystemDialer, Trust};
use futures::future::BoxFuture;
use tokio::net::TcpStream;

/// Answers by script; the last answer for a name is repeated.
#[derive(Clone, Default)]
pub struct Names {
    answers: Arc<Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    pub fn with(self, name: &str, answers: &[&[&str]]) -> Names {
        let answers = answers
            .iter()
            .map(|answer| {
                answer
                    .iter()
                    .map(|address| address.parse().unwrap())
                    .collect()
            })
            .collect();
        self.answers
            .lock()
            .unwrap()
            .insert(name.to_owned(), answers);
        self
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.get_mut(name) {
            None => Err(io::ErrorKind::NotFound.into()),
            Some(answers) if answers.len() > 1 => Ok(answers.pop_front().unwrap()),
            Some(answers) => Ok(answers[0].clone()),
        };
        Box::pin(async move { answer })
    }
}

/// Writes down every address that is dialled, and leads addresses to local listeners.
#[derive(Clone, Default)]
pub struct Network {
    routes: Arc<Mutex<HashMap<IpAddr, SocketAddr>>>,
    dialled: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Network {
    pub fn route(self, from: &str, to: SocketAddr) -> Network {
        self.routes
            .lock()
            .unwrap()
            .insert(from.parse().unwrap(), to);
        self
    }

    pub fn dialled(&self) -> Vec<SocketAddr> {
        self.dialled.lock().unwrap().clone()
    }
}

impl Dial for Network {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        self.dialled.lock().unwrap().push(address);
        let route = self.routes.lock().unwrap().get(&address.ip()).copied();
        Box::pin(async move {
            let route = route.ok_or(io::ErrorKind::NetworkUnreachable)?;
            TcpStream::connect(route).await
        })
    }
}

/// A client whose names and network are the test's.
pub fn client(names: &Names, network: &Network) -> Client {
    Client::with(names.clone(), network.clone(), Trust::Only(Vec::new())).unwrap()
}

/// A client on the real network; its names are the test's.
pub fn real_client() -> Client {
    Client::with(Names::default(), SystemDialer, Trust::Only(Vec::new())).unwrap()
}

/// Public addresses only.
pub fn public(_: &Hop<'_>) -> Result<Allowance, Refusal> {
    Ok(Allowance::public())
}

/// This machine too.
pub fn loopback(_: &Hop<'_>) -> Result<Allowance, Refusal> {
    Ok(Allowance::public().and_class(AddressClass::Loopback))
}
