//! What the road costs, beside its limit in the same run: a bare TCP connection with the same bytes.

use std::error::Error;
use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use egress::{
    AddressClass, Allowance, Client, Hop, Limits, Refusal, Request, Trust, classify, parse_target,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
const QUESTION: &[u8] = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";
const CALLS: u32 = 5_000;
const PURE: u32 = 500_000;

fn gate(_: &Hop<'_>) -> Result<Allowance, Refusal> {
    Ok(Allowance::public().and_class(AddressClass::Loopback))
}

fn main() -> Result<(), Box<dyn Error>> {
    pure()?;
    let peers = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let listener = peers.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    peers.spawn(serve(listener));
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(calls(address))
}

fn pure() -> Result<(), Box<dyn Error>> {
    let urls = [
        "https://api.example.com/v1/items?page=2",
        "http://0x7f.0.0.1:8080/",
        "http://[::ffff:10.0.0.1]/",
    ];
    let started = Instant::now();
    for n in 0..PURE {
        black_box(parse_target(black_box(urls[n as usize % urls.len()]))?);
    }
    println!(
        "parse_target      {:>8.0} ns",
        started.elapsed().as_secs_f64() * 1e9 / f64::from(PURE)
    );
    let addresses = [
        "8.8.8.8".parse()?,
        "2606:4700::1111".parse()?,
        "::ffff:10.0.0.1".parse()?,
    ];
    let started = Instant::now();
    for n in 0..PURE {
        black_box(classify(black_box(addresses[n as usize % addresses.len()])));
    }
    println!(
        "classify          {:>8.1} ns",
        started.elapsed().as_secs_f64() * 1e9 / f64::from(PURE)
    );
    let started = Instant::now();
    black_box(Client::new(Trust::System)?);
    println!(
        "Client::new       {:>8.1} ms, once per process",
        started.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

async fn calls(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    for _ in 0..CALLS {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(QUESTION).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
    }
    let bare = started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS);
    println!("bare exchange     {bare:>8.1} us, {:.0}/s", 1e6 / bare);

    let client = Client::new(Trust::Only(Vec::new()))?;
    let limits = Limits::default();
    let url = format!("http://{address}/");
    let started = Instant::now();
    for _ in 0..CALLS {
        client.fetch(Request::get(&url)?, &limits, &gate).await?;
    }
    let fetch = started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS);
    println!(
        "fetch             {fetch:>8.1} us, {:.0}/s ({:.2} times the bare exchange)",
        1e6 / fetch,
        fetch / bare
    );
    Ok(())
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut question = [0; 2048];
            let mut read = 0;
            while !question[..read].ends_with(b"\r\n\r\n") {
                read += match stream.read(&mut question[read..]).await? {
                    0 => return Ok(()),
                    more => more,
                };
            }
            stream.write_all(ANSWER).await?;
            stream.shutdown().await
        });
    }
}
