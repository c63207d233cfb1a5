//! Links over a real socket: the reader and the writer of a connection die together; the acceptor goes on.
//!
//! Each connection is two linked processes: a writer, which is a server and adds up numbers, and a
//! reader, which parses what the client sends. When one fails the other one ends with the same
//! reason, and the socket is closed. The acceptor is linked to all of them and traps exits: it hears
//! of each end and goes on. When it ends itself, they all do. Run it with
//! `cargo run -p otp-core --example links` or `cargo xtask demo links`.

use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::net::SocketAddr;

use otp_core::{
    Context, Exit, ExitReason, GenServer, Pid, ReplyTo, ServerOptions, ServerRef, WeakRef,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One half of a connection. When its process ends it is dropped, and says so.
struct Half<T> {
    io: T,
    label: String,
    gone: UnboundedSender<String>,
}

impl<T> Drop for Half<T> {
    fn drop(&mut self) {
        // Nobody listens once the program ends.
        let _ = self.gone.send(std::mem::take(&mut self.label));
    }
}

/// The writer: owns the sum, and answers each number with it.
struct Connection {
    writer: Half<OwnedWriteHalf>,
    reader: Option<Half<OwnedReadHalf>>,
    sum: u8,
}

struct Add(u8);

impl GenServer for Connection {
    type Msg = Add;

    async fn init(&mut self, ctx: &mut Context<Add>) -> Result<(), ExitReason> {
        if let Some(reader) = self.reader.take() {
            // The reader's handle keeps the writer running: nothing but the link ends one without the other.
            ctx.spawn_link(read(reader, ctx.self_ref()));
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        Add(number): Add,
        _ctx: &mut Context<Add>,
    ) -> Result<(), ExitReason> {
        let sum = self.sum.checked_add(number);
        self.sum = sum.ok_or_else(|| ExitReason::boxed("the sum is above 255"))?;
        let line = format!("{}\n", self.sum);
        self.writer.io.write_all(line.as_bytes()).await?;
        Ok(())
    }
}

/// The reader: a future that is linked to its writer.
async fn read(
    mut reader: Half<OwnedReadHalf>,
    connection: ServerRef<Add>,
) -> Result<(), ExitReason> {
    let mut lines = BufReader::new(&mut reader.io).lines();
    while let Some(line) = lines.next_line().await? {
        connection.cast(Add(line.parse()?))?;
    }
    // A `Normal` end would leave the writer behind: linked processes do not follow it.
    Err(ExitReason::shutdown_with("the client hung up"))
}

/// Takes connections in.
struct Acceptor {
    listener: Option<TcpListener>,
    listening: Option<Pid>,
    accepted: usize,
    ended: usize,
    gone: UnboundedSender<String>,
    /// Ends that nobody has asked for yet, or somebody who asks for the next.
    ends: VecDeque<String>,
    asked: Option<ReplyTo<String>>,
}

enum Msg {
    Accepted(TcpStream),
    /// Asks for the next end of a connection.
    NextEnd(ReplyTo<String>),
    Alive(ReplyTo<usize>),
    Listening(ReplyTo<Option<Pid>>),
}

impl GenServer for Acceptor {
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        ctx.trap_exit();
        if let Some(listener) = self.listener.take() {
            self.listening = Some(ctx.spawn_link(listen(listener, ctx.weak_ref())));
        }
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Accepted(stream) => self.accept(stream, ctx).await?,
            Msg::NextEnd(reply) => {
                self.asked = Some(reply);
                self.tell();
            }
            Msg::Alive(reply) => reply.send(self.accepted - self.ended),
            Msg::Listening(reply) => reply.send(self.listening.clone()),
        }
        Ok(())
    }

    async fn handle_exit(&mut self, exit: Exit, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        if exit.from == self.listening {
            return Err(exit.reason);
        }
        self.ended += 1;
        // The name is known also after the end.
        let name = exit.from.as_ref().and_then(Pid::name).unwrap_or("somebody");
        self.ends
            .push_back(format!("{name} ended: {}", exit.reason));
        self.tell();
        Ok(())
    }
}

impl Acceptor {
    async fn accept(
        &mut self,
        stream: TcpStream,
        ctx: &mut Context<Msg>,
    ) -> Result<(), ExitReason> {
        self.accepted += 1;
        let name = format!("connection {}", self.accepted);
        let (reader, writer) = stream.into_split();
        let gone = &self.gone;
        let connection = Connection {
            writer: Half {
                io: writer,
                label: format!("writer of {name}"),
                gone: gone.clone(),
            },
            reader: Some(Half {
                io: reader,
                label: format!("reader of {name}"),
                gone: gone.clone(),
            }),
            sum: 0,
        };
        let options = ServerOptions::default().name(name);
        // From here on its reader keeps it running.
        let _ = ctx.start_link_with(connection, options).await?;
        Ok(())
    }

    fn tell(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        if let Some(reply) = self.asked.take()
            && let Some(end) = self.ends.pop_front()
        {
            reply.send(end);
        }
    }
}

/// Waits for clients, linked to the acceptor.
async fn listen(listener: TcpListener, acceptor: WeakRef<Msg>) -> Result<(), ExitReason> {
    loop {
        let (stream, _) = listener.accept().await?;
        if let Some(acceptor) = acceptor.upgrade() {
            let sent = acceptor.cast(Msg::Accepted(stream));
            sent.map_err(|error| ExitReason::boxed(error.to_string()))?;
        }
    }
}

struct Client {
    name: &'static str,
    stream: BufReader<TcpStream>,
}

impl Client {
    async fn connect(name: &'static str, address: SocketAddr) -> io::Result<Self> {
        let stream = BufReader::new(TcpStream::connect(address).await?);
        Ok(Self { name, stream })
    }

    /// Sends a line and prints the answer.
    async fn say(&mut self, line: &str) -> io::Result<()> {
        println!("  {} says {line:?}", self.name);
        let line = format!("{line}\n");
        self.stream.write_all(line.as_bytes()).await?;
        self.hear().await
    }

    async fn hear(&mut self) -> io::Result<()> {
        let mut answer = String::new();
        match self.stream.read_line(&mut answer).await? {
            0 => println!("  {} is hung up on", self.name),
            _ => println!("  {} hears {:?}", self.name, answer.trim_end()),
        }
        Ok(())
    }
}

/// Prints the next end of a connection, and what it took with it.
async fn report(
    acceptor: &ServerRef<Msg>,
    gone: &mut UnboundedReceiver<String>,
) -> Result<(), Box<dyn Error>> {
    println!("  -> {}", acceptor.call(Msg::NextEnd).await?);
    both_gone(gone).await;
    let alive = acceptor.call(Msg::Alive).await?;
    println!("     connections left: {alive}");
    Ok(())
}

async fn both_gone(gone: &mut UnboundedReceiver<String>) {
    for _half in 0..2 {
        println!("     gone: {}", gone.recv().await.unwrap_or_default());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (gone_sender, mut gone) = unbounded_channel();
    let acceptor = otp_core::start(Acceptor {
        listener: Some(listener),
        listening: None,
        accepted: 0,
        ended: 0,
        gone: gone_sender,
        ends: VecDeque::new(),
        asked: None,
    })
    .await?;

    println!("three clients, each with a reader and a writer of its own");
    let mut ann = Client::connect("ann", address).await?;
    let mut bob = Client::connect("bob", address).await?;
    let mut cid = Client::connect("cid", address).await?;
    for client in [&mut ann, &mut bob, &mut cid] {
        client.say("20").await?;
    }

    println!("\nthe reader fails");
    bob.say("twenty").await?;
    report(&acceptor, &mut gone).await?;

    println!("\nthe writer fails");
    cid.say("250").await?;
    report(&acceptor, &mut gone).await?;

    println!("\nthe client hangs up");
    ann.say("22").await?;
    drop(ann);
    report(&acceptor, &mut gone).await?;

    println!("\nthe acceptor ends, and everybody with it");
    let listening = acceptor.call(Msg::Listening).await?;
    let listening = listening.ok_or("nobody listens")?;
    let end = listening.monitor();
    let mut dora = Client::connect("dora", address).await?;
    dora.say("1").await?;
    acceptor.stop_with(ExitReason::Shutdown).await?;
    println!("  -> who listened for clients ended: {}", end.await);
    TcpListener::bind(address).await?;
    println!("     gone: the port, which can be bound again");
    both_gone(&mut gone).await;
    dora.hear().await?;
    Ok(())
}
