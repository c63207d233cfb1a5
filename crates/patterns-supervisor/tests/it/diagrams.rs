//! One snapshot of a running tree: as text, as Mermaid, as DOT.

use patterns_supervisor::{
    Child, Dot, Mermaid, Restart, Strategy, SupervisionTree, TreeConfig, backoff::Backoff,
};
use testing::{secs, settle};

use crate::support::{Log, Msg, Outcome, Pids, Probe, idle, plan, start};

/// Three levels, with a child that runs, one that restarts, one that is stopped, one that was restarted, and one
/// for which messages wait.
async fn eventful() -> SupervisionTree {
    let busy = Probe::child("busy", &Log::default());
    let to_busy = busy.server_ref();
    let waits = idle("waits").backoff(Backoff::constant(secs(60)));
    let deep = plan(
        "deep",
        Strategy::OneForAll,
        [busy.into(), idle("beside").into()],
    );
    let middle = plan(
        "middle",
        Strategy::RestForOne,
        [idle("crashes").into(), deep.into(), waits.into()],
    );
    let tree = SupervisionTree::start(plan(
        "shop",
        Strategy::OneForOne,
        [idle("first").into(), middle.into(), idle("last").into()],
    ))
    .await
    .unwrap();
    tree.crash_child("middle/crashes").await.unwrap();
    settle().await;
    tree.crash_child("middle/waits").await.unwrap();
    tree.stop_child("first").await.unwrap();
    settle().await;
    for _ in 0..3 {
        // The first one is in its hands.
        to_busy.cast(Msg::Hang).ok().unwrap();
        settle().await;
    }
    tree
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_a_tree_of_text_three_levels_deep() -> Outcome {
    let text = eventful().await.snapshot().await?.to_string();
    insta::assert_snapshot!(Pids::default().plain(&text), @r"
    shop <1> OneForOne
    ├─ first stopped
    ├─ middle <2> RestForOne
    │  ├─ crashes <3>, restarts: 1
    │  ├─ deep <4> OneForAll, restarts: 1
    │  │  ├─ busy <5>, waiting messages: 2
    │  │  └─ beside <6>
    │  └─ waits restarting, restarts: 1
    └─ last <7>
    ");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_a_mermaid_flowchart() -> Outcome {
    let text = Mermaid(&eventful().await.snapshot().await?).to_string();
    insta::assert_snapshot!(Pids::default().plain(&text), @r#"
    flowchart TD
      n0["shop<br/>#60;1#62; OneForOne"]
      n0 --> n1(["first<br/>stopped"]):::stopped
      n0 --> n2["middle<br/>#60;2#62; RestForOne"]
      n2 --> n3(["crashes<br/>#60;3#62;<br/>restarts: 1"])
      n2 --> n4["deep<br/>#60;4#62; OneForAll<br/>restarts: 1"]
      n4 --> n5(["busy<br/>#60;5#62;<br/>waiting: 2"])
      n4 --> n6(["beside<br/>#60;6#62;"])
      n2 --> n7(["waits<br/>restarting<br/>restarts: 1"]):::restarting
      n0 --> n8(["last<br/>#60;7#62;"])
      classDef restarting fill:#ffec99
      classDef stopped fill:#dddddd
    "#);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_a_dot_graph() -> Outcome {
    let text = Dot(&eventful().await.snapshot().await?).to_string();
    insta::assert_snapshot!(Pids::default().plain(&text), @r#"
    digraph tree {
      n0 [label="shop\n<1> OneForOne", shape=box];
      n1 [label="first\nstopped", shape=ellipse, style=dotted];
      n0 -> n1;
      n2 [label="middle\n<2> RestForOne", shape=box];
      n0 -> n2;
      n3 [label="crashes\n<3>\nrestarts: 1", shape=ellipse];
      n2 -> n3;
      n4 [label="deep\n<4> OneForAll\nrestarts: 1", shape=box];
      n2 -> n4;
      n5 [label="busy\n<5>\nwaiting: 2", shape=ellipse];
      n4 -> n5;
      n6 [label="beside\n<6>", shape=ellipse];
      n4 -> n6;
      n7 [label="waits\nrestarting\nrestarts: 1", shape=ellipse, style=dashed];
      n2 -> n7;
      n8 [label="last\n<7>", shape=ellipse];
      n0 -> n8;
    }
    "#);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_calm_tree_is_drawn_without_colours() -> Outcome {
    let tree = start([idle("a").into()]).await;
    let snapshot = tree.snapshot().await?;
    let text = format!("{}{}", Mermaid(&snapshot), Dot(&snapshot));
    insta::assert_snapshot!(Pids::default().plain(&text), @r#"
    flowchart TD
      n0["root<br/>#60;1#62; OneForOne"]
      n0 --> n1(["a<br/>#60;2#62;"])
    digraph tree {
      n0 [label="root\n<1> OneForOne", shape=box];
      n1 [label="a\n<2>", shape=ellipse];
      n0 -> n1;
    }
    "#);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_stopped_is_drawn_without_children() -> Outcome {
    let below = plan("below", Strategy::OneForOne, [idle("x").into()]);
    let tree = start([below.into()]).await;
    tree.stop_child("below").await?;
    let snapshot = tree.snapshot().await?;
    let text = format!("{snapshot}{}{}", Mermaid(&snapshot), Dot(&snapshot));
    insta::assert_snapshot!(Pids::default().plain(&text), @r#"
    root <1> OneForOne
    └─ below stopped
    flowchart TD
      n0["root<br/>#60;1#62; OneForOne"]
      n0 --> n1["below<br/>stopped"]:::stopped
      classDef stopped fill:#dddddd
    digraph tree {
      n0 [label="root\n<1> OneForOne", shape=box];
      n1 [label="below\nstopped", shape=box, style=dotted];
      n0 -> n1;
    }
    "#);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_id_breaks_a_diagram() -> Outcome {
    let ids = [
        r#"say "hi""#,
        r"back\slash",
        "two\nlines\r\nthree",
        "<b>&amp;#35;`",
        "]) --> end",
        "",
    ];
    let mut config = TreeConfig {
        id: r#"a "tree""#.into(),
        ..TreeConfig::default()
    };
    config.children.extend(ids.map(|id| idle(id).into()));
    let tree = SupervisionTree::start(config).await?;
    let snapshot = tree.snapshot().await?;
    let text = format!("{}{}", Mermaid(&snapshot), Dot(&snapshot));
    insta::assert_snapshot!(Pids::default().plain(&text), @r##"
    flowchart TD
      n0["a #34;tree#34;<br/>#60;1#62; OneForOne"]
      n0 --> n1(["say #34;hi#34;<br/>#60;2#62;"])
      n0 --> n2(["back#92;slash<br/>#60;3#62;"])
      n0 --> n3(["two lines  three<br/>#60;4#62;"])
      n0 --> n4(["#60;b#62;#38;amp;#35;35;#96;<br/>#60;5#62;"])
      n0 --> n5(["]) --#62; end<br/>#60;6#62;"])
      n0 --> n6(["<br/>#60;7#62;"])
    digraph tree {
      n0 [label="a \"tree\"\n<1> OneForOne", shape=box];
      n1 [label="say \"hi\"\n<2>", shape=ellipse];
      n0 -> n1;
      n2 [label="back\\slash\n<3>", shape=ellipse];
      n0 -> n2;
      n3 [label="two lines  three\n<4>", shape=ellipse];
      n0 -> n3;
      n4 [label="<b>&amp;#35;`\n<5>", shape=ellipse];
      n0 -> n4;
      n5 [label="]) --> end\n<6>", shape=ellipse];
      n0 -> n5;
      n6 [label="\n<7>", shape=ellipse];
      n0 -> n6;
    }
    "##);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_declined_or_ended_is_drawn_as_stopped() -> Outcome {
    let ended = Child::task("ended", |_| async { Ok(()) }).restart(Restart::Transient);
    let tree = start([ended.into()]).await;
    settle().await;
    let snapshot = tree.snapshot().await?;
    let text = format!("{snapshot}{}", Mermaid(&snapshot));
    insta::assert_snapshot!(Pids::default().plain(&text), @r#"
    root <1> OneForOne
    └─ ended stopped
    flowchart TD
      n0["root<br/>#60;1#62; OneForOne"]
      n0 --> n1(["ended<br/>stopped"]):::stopped
      classDef stopped fill:#dddddd
    "#);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_a_subtree_begins_there() -> Outcome {
    let tree = eventful().await;
    let text = tree.subtree("middle/deep").await?.snapshot().await?;
    insta::assert_snapshot!(Pids::default().plain(&text.to_string()), @r"
    deep <1> OneForAll
    ├─ busy <2>, waiting messages: 2
    └─ beside <3>
    ");
    Ok(())
}
