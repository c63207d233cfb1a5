//! actix: actors of one thread's event loop, called from the same thread and from another.

use std::future::Future;
use std::sync::{OnceLock, mpsc};
use std::thread;

use actix::{Actor, Addr, ArbiterHandle, Context, Handler, Message, System};

use super::Contender;
use crate::harness::counter::Counter;

/// An actix actor; the benchmark runs as a task of the same event loop.
pub(crate) struct Actix;

/// An actix actor on its own thread; the benchmark runs on the tokio runtime that the other contenders use.
pub(crate) struct ActixOtherThread;

pub(crate) struct Behaviour(Counter);

#[derive(Message)]
#[rtype(result = "()")]
struct Add(u64);

#[derive(Message)]
#[rtype(result = "u64")]
struct Total;

impl Actor for Behaviour {
    type Context = Context<Self>;
}

impl Handler<Add> for Behaviour {
    type Result = ();

    fn handle(&mut self, Add(n): Add, _context: &mut Context<Self>) {
        self.0.add(n);
    }
}

impl Handler<Total> for Behaviour {
    type Result = u64;

    fn handle(&mut self, _message: Total, _context: &mut Context<Self>) -> u64 {
        self.0.total()
    }
}

impl Contender for Actix {
    const NAME: &'static str = "actix";
    type Address = Addr<Behaviour>;

    async fn start() -> Self::Address {
        Behaviour(Counter::new()).start()
    }

    async fn call(address: &Self::Address) -> u64 {
        address.send(Total).await.expect("the actor answers")
    }

    async fn cast(address: &Self::Address, n: u64) {
        address.do_send(Add(n));
    }

    fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        let system = thread::spawn(|| System::new().block_on(async { actix::spawn(body).await }));
        system
            .join()
            .expect("the event loop ends")
            .expect("the body of a benchmark does not panic")
    }

    fn run_single<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        Self::run(body)
    }
}

impl Contender for ActixOtherThread {
    const NAME: &'static str = "actix, from another thread";
    type Address = Addr<Behaviour>;

    async fn start() -> Self::Address {
        Behaviour::start_in_arbiter(arbiter(), |_context| Behaviour(Counter::new()))
    }

    async fn call(address: &Self::Address) -> u64 {
        Actix::call(address).await
    }

    async fn cast(address: &Self::Address, n: u64) {
        Actix::cast(address, n).await;
    }
}

/// An event loop that lives as long as the program.
fn arbiter() -> &'static ArbiterHandle {
    static ARBITER: OnceLock<ArbiterHandle> = OnceLock::new();
    ARBITER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let system = System::new();
            let _ = sender.send(System::current().arbiter().clone());
            let _ = system.run();
        });
        receiver.recv().expect("the event loop starts")
    })
}
