//! The notification system: events, channels, options.

use std::borrow::Cow;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use otp_core::{ExitReason, GenServer, ServerOptions, inbox};
use patterns_behaviour::BoxFuture;
use patterns_behaviour::notification::{
    Alert, BatchChannel, Channel, ChannelError, Collected, Collector, Console, Deploy, Device,
    Failing, Level, Notification, Options, Reason, Shown, Status, Target, notify, notify_all,
    render,
};
use testing::{quiet, settle};

/// A writer that shows what was written, and when it was flushed.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<(String, usize)>>);

impl Page {
    fn text(&self) -> String {
        self.0.lock().unwrap().0.clone()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap()
            .0
            .push_str(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().1 += 1;
        Ok(())
    }
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_event_renders() {
    let alert = |level: &str| Alert::new("api").level(level).message("high latency");
    let texts = [
        render(&alert("critical")),
        render(&alert("INFO")),
        render(&alert("page")),
        render(&Alert::new("api")),
        render(&Alert::new("api").level(Level::Warning)),
        render(&Alert::new("").message("")),
        render(&Deploy::new("web", "1.4.0")),
        render(&Deploy::new("web", "1.4.0").status(Status::Succeeded)),
        render(&Deploy::new("web", "1.4.0").status("failed")),
        render(&Deploy::new("web", "1.4.0").status("rolled back")),
        render("plain text, as it is"),
        render(&Shown(vec![Some(1), None])),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r"
    [CRITICAL] api: high latency
    [INFO] api: high latency
    [PAGE] api: high latency
    [INFO] api
    [WARNING] api
    [INFO] : 
    Deploy of web 1.4.0 started
    Deploy of web 1.4.0 succeeded
    Deploy of web 1.4.0 failed
    Deploy of web 1.4.0 rolled back
    plain text, as it is
    [Some(1), None]
    ");
}

#[test]
fn levels_and_statuses_are_known_by_their_words() {
    let levels = ["debug", "info", "Warning", "ERROR", "critical", "page"].map(Level::from);
    let expected = [
        Level::Debug,
        Level::Info,
        Level::Warning,
        Level::Error,
        Level::Critical,
        Level::Other("page".into()),
    ];
    assert_eq!(levels, expected);
    let statuses = ["Started", "succeeded", "FAILED", "Rolled Back"].map(Status::from);
    assert_eq!(
        statuses,
        [
            Status::Started,
            Status::Succeeded,
            Status::Failed,
            Status::Other("Rolled Back".into())
        ]
    );
    assert_eq!(
        (Level::default(), Status::default()),
        (Level::Info, Status::Started)
    );
    assert_eq!(
        format!("{:>8}|{:>9}", Level::Info, Status::Failed),
        "    INFO|   failed"
    );
}

#[test]
fn text_renders_as_it_is_in_every_form() {
    let text = "a \"text\"\nof two lines";
    let forms: [&dyn Notification; 8] = [
        &text,
        &text.to_owned(),
        &Cow::Borrowed(text),
        &Box::new(text),
        &Rc::new(text),
        &Arc::<str>::from(text),
        &text.as_bytes().to_vec(),
        &text.as_bytes(),
    ];
    for form in forms {
        assert_eq!(form.to_message(), text);
    }
}

#[test]
fn shown_is_for_any_debug_and_shows_nothing_of_itself() {
    #[derive(Debug)]
    struct Order {
        #[expect(dead_code, reason = "its `Debug` reads it")]
        id: u32,
    }
    assert_eq!(render(&Shown(Order { id: 7 })), "Order { id: 7 }");
    assert_eq!(render(&Shown("text")), "\"text\"");
    assert_eq!(format!("{:?}", Shown(3)), "3");
}

#[tokio::test]
async fn the_console_writes_a_line_and_flushes_it() {
    let page = Page::default();
    let console = Console::to(page.clone());
    let sent = notify(&Alert::new("api"), &console, &Options::new())
        .await
        .unwrap();
    assert_eq!(sent, "[INFO] api");
    notify("two", &console.clone(), &Options::new())
        .await
        .unwrap();
    assert_eq!(
        (page.text().as_str(), page.0.lock().unwrap().1),
        ("[INFO] api\ntwo\n", 2)
    );
    assert_eq!(console.name(), "console");
}

#[tokio::test]
async fn a_device_as_an_option_takes_the_place_of_the_consoles_own() {
    let (own, other) = (Page::default(), Page::default());
    let console = Console::to(own.clone());
    let options = Options::new().with(Device::new(other.clone()));
    console.deliver("elsewhere", &options).await.unwrap();
    console.deliver("here", &Options::new()).await.unwrap();
    assert_eq!(
        (own.text().as_str(), other.text().as_str()),
        ("here\n", "elsewhere\n")
    );
}

#[tokio::test]
async fn an_error_of_the_writer_is_an_error() {
    let error = notify("text", &Console::to(Full), &Options::new())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ChannelError::Io(error) if error.kind() == io::ErrorKind::StorageFull)
    );
    insta::assert_snapshot!(error, @"no storage space");
}

#[tokio::test]
async fn a_writer_that_panics_does_not_spoil_the_console() {
    struct Bomb(u8, Page);
    impl Write for Bomb {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            assert!(self.0 > 1, "as told");
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    quiet();
    let page = Page::default();
    let console = Console::to(Bomb(0, page.clone()));
    let other = console.clone();
    assert!(
        tokio::spawn(async move { other.deliver("lost", &Options::new()).await })
            .await
            .is_err()
    );
    console.deliver("kept", &Options::new()).await.unwrap();
    assert_eq!(page.text(), "kept\n");
}

#[tokio::test]
async fn lines_of_many_tasks_do_not_mix() {
    let page = Page::default();
    let console = Console::to(page.clone());
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let console = console.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    console
                        .deliver(&task.to_string().repeat(20), &Options::new())
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let text = page.text();
    assert_eq!(text.lines().count(), 400);
    assert!(
        text.lines()
            .all(|line| line.len() == 20 && line.chars().all(|char| line.starts_with(char)))
    );
}

#[tokio::test]
async fn the_collector_keeps_or_sends() {
    let collector = Collector::new();
    notify("one", &collector, &Options::new()).await.unwrap();
    notify("two", &collector.clone(), &Options::new())
        .await
        .unwrap();
    assert_eq!(collector.texts(), ["one", "two"]);
    assert_eq!((collector.take().len(), collector.texts().len()), (2, 0));

    let (address, mut inbox) = inbox::<Collected>();
    let sending = Collector::to(address.recipient());
    notify("three", &sending, &Options::new()).await.unwrap();
    let (other, mut other_inbox) = inbox_of();
    notify(
        "four",
        &sending,
        &Options::new().with(Target(other.recipient())),
    )
    .await
    .unwrap();
    let got = inbox.recv().await.unwrap();
    assert_eq!(
        (got.channel.as_str(), got.text.as_str()),
        ("collector", "three")
    );
    assert_eq!(other_inbox.recv().await.unwrap().text, "four");
    assert!(sending.texts().is_empty());
    drop(inbox);
    let error = notify("five", &sending, &Options::new()).await.unwrap_err();
    insta::assert_snapshot!(error, @"the channel is closed");
}

#[tokio::test]
async fn a_target_without_room_is_an_error_of_its_own() {
    struct Busy;
    impl GenServer for Busy {
        type Msg = Collected;
        async fn handle(
            &mut self,
            _: Collected,
            _: &mut otp_core::Context<Collected>,
        ) -> Result<(), ExitReason> {
            std::future::pending().await
        }
    }
    let busy = otp_core::start_with(Busy, ServerOptions::default().bounded(1));
    let busy = busy.await.unwrap();
    let collector = Collector::to(busy.recipient());
    // One is begun and one waits, in whatever order that comes to pass.
    let mut sent = Vec::new();
    for _ in 0..3 {
        sent.push(notify("text", &collector, &Options::new()).await);
        settle().await;
    }
    let error = sent.pop().unwrap().unwrap_err();
    assert!(matches!(&error, ChannelError::Failed(_)));
    insta::assert_snapshot!(error, @"the mailbox is full");
}

fn inbox_of() -> (otp_core::ServerRef<Collected>, otp_core::Inbox<Collected>) {
    inbox()
}

#[tokio::test]
async fn the_failing_one_fails_for_its_reason_or_for_that_of_the_delivery() {
    let fails = async |channel: Failing, options: Options| {
        notify("x", &channel, &options)
            .await
            .unwrap_err()
            .to_string()
    };
    assert_eq!(fails(Failing::new(), Options::new()).await, "unavailable");
    assert_eq!(
        fails(Failing::because("closed on sundays"), Options::new()).await,
        "closed on sundays"
    );
    let quota = Options::new().with(Reason("over quota".into()));
    assert_eq!(fails(Failing::new(), quota.clone()).await, "over quota");
    assert_eq!(format!("{quota:?}"), r#"Options(["Reason"])"#);
}

/// Knows batches, and an option of its own.
#[derive(Default)]
struct Batching(Mutex<Vec<String>>);

struct Prefix(&'static str);

impl Channel for Batching {
    fn deliver<'a>(
        &'a self,
        text: &'a str,
        options: &'a Options,
    ) -> BoxFuture<'a, Result<String, ChannelError>> {
        Box::pin(async move {
            let prefix = options.get::<Prefix>().map_or("", |prefix| prefix.0);
            let text = format!("{prefix}{text}");
            self.0.lock().unwrap().push(text.clone());
            Ok(text)
        })
    }

    fn as_batch(&self) -> Option<&dyn BatchChannel> {
        Some(self)
    }
}

impl BatchChannel for Batching {
    fn deliver_batch<'a>(
        &'a self,
        texts: &'a [String],
        _: &'a Options,
    ) -> BoxFuture<'a, Result<Vec<String>, ChannelError>> {
        Box::pin(async move {
            self.0.lock().unwrap().push(texts.join("+"));
            Ok(texts.to_vec())
        })
    }
}

#[tokio::test]
async fn a_batch_goes_at_once_where_the_channel_can_and_one_by_one_where_not() {
    let batching = Batching::default();
    assert_eq!(
        notify_all(&["a", "b", "c"], &batching, &Options::new())
            .await
            .unwrap(),
        ["a", "b", "c"]
    );
    assert_eq!(*batching.0.lock().unwrap(), ["a+b+c"]);
    let collector = Collector::new();
    assert!(collector.as_batch().is_none());
    notify_all(&["a", "b"], &collector, &Options::new())
        .await
        .unwrap();
    assert_eq!(collector.texts(), ["a", "b"]);
    let page = Page::default();
    notify_all(
        &[Alert::new("a"), Alert::new("b")],
        &Console::to(page.clone()),
        &Options::new(),
    )
    .await
    .unwrap();
    assert_eq!(
        (page.text().as_str(), page.0.lock().unwrap().1),
        ("[INFO] a\n[INFO] b\n", 1)
    );
    assert!(
        notify_all::<&str>(&[], &Failing::new(), &Options::new())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        notify_all(&["x"], &Failing::new(), &Options::new())
            .await
            .is_err()
    );
    assert!(
        notify_all(&["x"], &Console::to(Full), &Options::new())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_channel_of_your_own_has_options_of_its_own_and_a_derived_name() {
    let batching = Batching::default();
    let options = Options::new()
        .with(Prefix("> "))
        .with(Reason("not for it".into()))
        .with(Prefix(">> "));
    assert_eq!(
        notify("text", &batching, &options).await.unwrap(),
        ">> text"
    );
    assert_eq!(
        (batching.name(), Failing::new().name()),
        ("Batching", "Failing")
    );
}

#[test]
fn errors_have_their_sources() {
    use std::error::Error;
    let inner = io::Error::other(ChannelError::Other(Box::new(io::Error::from(
        io::ErrorKind::NotFound,
    ))));
    let error = ChannelError::from(inner);
    insta::assert_snapshot!(error, @"entity not found");
    assert!(
        error
            .source()
            .is_none_or(|source| source.to_string() == "entity not found")
    );
    assert!(ChannelError::Closed.source().is_none());
}
