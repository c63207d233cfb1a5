//! Every text that a person reads.

use std::error::Error;
use std::sync::Arc;

use patterns_behaviour::{
    AddError, BadOption, DeliverError, DispatcherConfig, Failure, GaveUp, MakeError, SendError,
    StartError, UnknownName,
};
use testing::{quiet, settle};

use crate::support::{Deed, Letter, Parcel, Scripted, config, one_port, ports};

async fn letter(deeds: &[Deed], config: DispatcherConfig) -> Letter {
    quiet();
    let (ports, _) = one_port(config).await;
    ports
        .send("a", Parcel::new(1, deeds))
        .unwrap()
        .await
        .unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn dead_letters_say_who_when_and_why() {
    let once = || DispatcherConfig {
        max_attempts: 1,
        ..config()
    };
    let mut texts = vec![
        letter(&[Deed::Fail; 5], config()).await.to_string(),
        letter(&[Deed::Fail], once()).await.to_string(),
        letter(&[Deed::Panic], once()).await.to_string(),
        letter(&[Deed::Hang], once()).await.to_string(),
        letter(&[Deed::Die], once()).await.to_string(),
    ];
    let (ports, _) = one_port(config()).await;
    let tickets = [
        ports.send("a", Parcel::new(1, &[Deed::Hang])).unwrap(),
        ports.send("a", Parcel::new(2, &[])).unwrap(),
    ];
    settle().await;
    ports.stop_now().await.unwrap();
    for ticket in tickets {
        texts.push(ticket.await.unwrap_err().to_string());
    }
    let mut other = letter(&[Deed::Fail], once()).await;
    other.gave_up = GaveUp::NotWorthIt;
    texts.push(other.to_string());
    (other.gave_up, other.attempts, other.failure) = (
        GaveUp::NoTime,
        2,
        Some(Failure::NotMade(Arc::from(Box::from("no host")))),
    );
    texts.push(other.to_string());
    insta::assert_snapshot!(texts.join("\n"), @r"
    `a` failed after 5 attempts: no 1
    `a` failed after 1 attempt: no 1
    `a` failed after 1 attempt: panicked: as told
    `a` failed after 1 attempt: timed out
    `a` failed after 1 attempt: interrupted
    `a` was stopped after 1 attempt: interrupted
    `a` was stopped after 0 attempts
    `a` failed after 1 attempt, not to be tried again: no 1
    `a` was out of time after 2 attempts: could not be made: no host
    ");
    insta::assert_snapshot!(format!("{other:?}"), @r#"DeadLetter { implementation: "a", attempts: 2, failure: Some(NotMade("no host")), gave_up: NoTime, .. }"#);
}

#[tokio::test(start_paused = true)]
async fn refusals_say_why_and_have_the_message() {
    let (ports, _) = one_port(DispatcherConfig {
        max_waiting: 1,
        ..config()
    })
    .await;
    settle().await;
    for _ in 0..2 {
        ports.send("a", Parcel::new(0, &[Deed::Hang])).unwrap();
        settle().await;
    }
    let full = ports.send("a", Parcel::new(1, &[])).unwrap_err();
    let unknown = ports.deliver("b", Parcel::new(2, &[])).await.unwrap_err();
    assert!(
        matches!(&unknown, DeliverError::Refused(SendError::Unknown { unknown, .. }) if &*unknown.name == "b")
    );
    ports.stop_now().await.unwrap();
    let stopped = ports.deliver("a", Parcel::new(3, &[])).await.unwrap_err();
    let texts = [
        full.to_string(),
        unknown.to_string(),
        stopped.to_string(),
        format!("{full:?}"),
        format!("{stopped:?}"),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r"
    as many deliveries wait as may
    there is no `b`; there are: a
    no more deliveries are accepted
    SendError(as many deliveries wait as may)
    SendError(no more deliveries are accepted)
    ");
    assert_eq!(
        (
            full.into_message().id,
            unknown.into_message().id,
            stopped.into_message().id
        ),
        (1, 2, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_delivery_has_the_message_too() {
    let (ports, _) = one_port(config()).await;
    let error = ports
        .deliver("a", Parcel::new(4, &[Deed::Fail; 5]))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "`a` failed after 5 attempts: no 4");
    assert!(format!("{error:?}").starts_with("DeadLetter {"));
    assert_eq!(error.into_message().id, 4);
}

#[tokio::test(start_paused = true)]
async fn what_took_too_long_says_so() {
    let once = || DispatcherConfig {
        max_attempts: 1,
        ..config()
    };
    let hung = letter(&[Deed::Hang], once()).await;
    assert!(hung.is_timeout() && hung.failure.as_ref().unwrap().is_timeout());
    let mut failed = letter(&[Deed::Fail], once()).await;
    assert!(!failed.is_timeout() && !failed.failure.as_ref().unwrap().is_timeout());
    failed.gave_up = GaveUp::NoTime;
    assert!(failed.is_timeout(), "there was none for another attempt");

    assert!(DeliverError::Failed(hung).is_timeout());
    let refused = SendError::Closed(Parcel::new(1, &[]));
    assert!(!DeliverError::<_, String>::Refused(refused).is_timeout());
}

/// Where a text holds the cause, the cause's own source comes next.
#[tokio::test(start_paused = true)]
async fn the_source_of_an_implementation_that_was_not_made_is_that_of_its_error() {
    #[derive(Debug)]
    struct NoHost(std::io::Error);

    impl std::fmt::Display for NoHost {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no host")
        }
    }

    impl Error for NoHost {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    let mut letter = letter(&[Deed::Fail; 5], config()).await;
    assert!(letter.source().is_none());
    letter.failure = Some(Failure::NotMade(Arc::new(NoHost(std::io::Error::other(
        "refused",
    )))));
    assert_eq!(
        letter.to_string(),
        "`a` failed after 5 attempts: could not be made: no host"
    );
    assert_eq!(letter.source().unwrap().to_string(), "refused");
    let error = DeliverError::Failed(letter);
    assert_eq!(error.source().unwrap().to_string(), "refused");
}

#[test]
fn the_other_errors() {
    let bad = BadOption {
        option: "workers",
        allowed: "from 1 to 1,024",
    };
    let unknown = UnknownName {
        name: "x".into(),
        known: vec!["a".into()],
    };
    let texts = [
        bad.to_string(),
        StartError::BadOption(bad).to_string(),
        StartError::NoRuntime.to_string(),
        AddError::Closed(()).to_string(),
        AddError::BadOption { bad, refused: () }.to_string(),
        MakeError::<String>::Unknown(unknown).to_string(),
        format!("{:?}", AddError::Closed(())),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r"
    option `workers` must be from 1 to 1,024
    option `workers` must be from 1 to 1,024
    there is no tokio runtime here
    the dispatcher has ended
    option `workers` must be from 1 to 1,024
    there is no `x`; there are: a
    AddError(the dispatcher has ended)
    ");
}

#[tokio::test(start_paused = true)]
async fn debug_of_a_dispatcher_says_what_it_does_and_takes_no_user_code() {
    let ports = ports(config()).await;
    ports.add("a", Arc::new(Scripted::default())).unwrap();
    settle().await;
    let text = format!("{ports:?}");
    assert!(
        text.contains(r#"name: "a", is_open: true, workers: 1"#),
        "{text}"
    );
}
