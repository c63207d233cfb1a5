//! What was wrong with the original, each as a test of its own.

use std::any::Any;

use patterns_behaviour::default_name;
use patterns_behaviour::notification::{
    Channel, Collector, Console, Deploy, Notification, Options, channels, notify, renderers,
};

#[test]
fn a_deploy_of_unknown_status_renders() {
    // There, a status without a clause of its own raised, and the guide's example had one.
    for status in ["rolled_back", "rolled back", "", "🚀"] {
        let text = Deploy::new("web", "1.4.0").status(status).to_message();
        assert_eq!(text, format!("Deploy of web 1.4.0 {status}"));
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_do_not_crash_a_channel() {
    let bytes: Vec<u8> = vec![b'o', b'k', 0xff, 0x00, b'\n'];
    let collector = Collector::new();
    notify(&bytes, &collector, &Options::new()).await.unwrap();
    notify(&[0xc3_u8, 0xa9][..], &collector, &Options::new())
        .await
        .unwrap();
    assert_eq!(collector.texts(), [r"ok\xff\x00\n", "é"]);
    assert_eq!(renderers().render(&bytes), r"ok\xff\x00\n");
    notify(&bytes, &Console::to(std::io::sink()), &Options::new())
        .await
        .unwrap();
}

#[test]
fn every_type_has_a_default_name() {
    // There, a module whose name is not of Elixir's kind raised.
    assert_eq!(default_name::<()>(), "()");
    assert_eq!(default_name::<[u8]>(), "[u8]");
    assert_eq!(default_name::<fn()>(), "fn");
    assert!(!default_name::<dyn Any>().is_empty());
    let closure = || ();
    fn of<T>(_: &T) -> &'static str {
        default_name::<T>()
    }
    assert_eq!(of(&closure), "{{closure}}");
}

#[test]
fn only_what_says_that_it_is_a_channel_is_one() {
    // There, whatever exported a function of the same name and arity passed for one.
    struct Duck;
    impl Duck {
        #[expect(dead_code, reason = "that it is there is the point")]
        fn deliver(&self, _text: &str, _options: &Options) {}
    }
    let channels = channels();
    assert!(!channels.contains(&Duck));
    assert!(channels.of(&Duck).is_none());
    assert!(channels.contains(&Collector::new()));
}

#[tokio::test]
async fn notify_cannot_be_given_what_is_no_channel() {
    // That it does not compile is shown by an example in its documentation. A value of unknown type has to be asked first.
    let values: [&dyn Any; 2] = [&Collector::new(), &"no channel"];
    let mut delivered = Vec::new();
    for value in values {
        if let Some(channel) = channels().of(value) {
            delivered.push(notify("text", channel, &Options::new()).await.unwrap());
        }
    }
    assert_eq!(delivered, ["text"]);
}

#[tokio::test]
async fn the_channel_is_picked_at_run_time() {
    // The docs there called this dispatch one of compile time. It is a value here, and may be any.
    let collector = Collector::new();
    let picked: Vec<Box<dyn Channel>> = vec![
        Box::new(Console::to(std::io::sink())),
        Box::new(collector.clone()),
    ];
    for channel in &picked {
        notify("text", &**channel, &Options::new()).await.unwrap();
    }
    assert_eq!(collector.texts(), ["text"]);
}
