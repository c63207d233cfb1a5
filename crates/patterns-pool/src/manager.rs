//! The trait by which a pool makes, checks and closes its members.

use std::error::Error;
use std::future::{Future, ready};

use otp_core::Pid;

/// Knows how the members of a pool are made, checked and closed. Implementations may write the callbacks as `async fn`.
///
/// A panic in any of them harms no borrower and not the pool: a `create` that panics has failed, a member whose `check` or
/// `is_broken` panics is closed. All run outside the pool's lock, and may use the pool.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::io;
/// use patterns_pool::{Manager, Pool, PoolConfig};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::{TcpListener, TcpStream};
///
/// struct Connections(std::net::SocketAddr);
///
/// impl Manager for Connections {
///     type Member = TcpStream;
///     type Error = io::Error;
///
///     async fn create(&self, _id: u64) -> io::Result<TcpStream> {
///         TcpStream::connect(self.0).await
///     }
///
///     async fn check(&self, connection: &mut TcpStream) -> io::Result<()> {
///         // Nobody has asked, so there is nothing to read, unless the other side has closed.
///         match connection.try_read(&mut [0]) {
///             Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
///             Err(error) => Err(error),
///             Ok(_) => Err(io::ErrorKind::ConnectionReset.into()),
///         }
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let pool = Pool::start(PoolConfig::default(), Connections(listener.local_addr()?)).await?;
/// # tokio::spawn(async move {
/// #     while let Ok((mut peer, _)) = listener.accept().await {
/// #         tokio::spawn(async move { let (mut r, mut w) = peer.split(); tokio::io::copy(&mut r, &mut w).await });
/// #     }
/// # });
/// let mut connection = pool.checkout().await?;
/// connection.write_all(b"ping").await?;
/// let mut answer = [0; 4];
/// connection.read_exact(&mut answer).await?;
/// assert_eq!(&answer, b"ping");
/// # Ok(()) }
/// ```
pub trait Manager: Send + Sync + 'static {
    /// What is lent.
    type Member: Send + 'static;

    /// Why one cannot be made, or is not well: any error, a `String`, an `anyhow::Error`.
    type Error: Into<Box<dyn Error + Send + Sync>> + Send;

    /// Makes a member. `id` is its number in the pool, from 1 on, never used again.
    ///
    /// It runs in a task of the pool, for `create_timeout` at most; then it is dropped.
    fn create(&self, id: u64) -> impl Future<Output = Result<Self::Member, Self::Error>> + Send;

    /// Checks that a member is well and may be lent; brings it back into order if need be.
    ///
    /// It runs when a member is handed out (`check_on_checkout`), as a part of the borrower's checkout, and for members that are idle
    /// for long (`check_interval`), in a task of the pool; each time for `check_timeout` at most. A member that is not well is
    /// closed and another one lent. So is one whose check was given up. The error is dropped: what is to be known of it is for the check to log. The
    /// member counts as `closed` in the pool's stats.
    ///
    /// Unless implemented, every member is well.
    fn check(
        &self,
        member: &mut Self::Member,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = member;
        ready(Ok(()))
    }

    /// Tells, when a member comes back, whether it is of no more use. It must not take long: it runs in the guard's drop.
    ///
    /// The borrower may be panicking, which `std::thread::panicking` tells. Unless implemented, no member is broken.
    fn is_broken(&self, member: &mut Self::Member) -> bool {
        let _ = member;
        false
    }

    /// Closes a member that leaves the pool. It runs in a task of its own, for `close_timeout` at most; then it is dropped.
    ///
    /// It is called for every member that leaves, except one that a borrower took for good, and one that is a server and has ended. If the
    /// pool's runtime has been dropped, the member is only dropped. Unless implemented, it is dropped.
    fn close(&self, member: Self::Member) -> impl Future<Output = ()> + Send {
        drop(member);
        ready(())
    }

    /// Returns the member's process, if it is one: also if that has ended already. The pool then sees when it ends, and takes it
    /// along when it is killed itself.
    fn pid(&self, member: &Self::Member) -> Option<Pid> {
        let _ = member;
        None
    }
}
