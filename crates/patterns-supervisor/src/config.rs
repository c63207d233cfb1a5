//! A tree as data: what it is made of, before anything runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::{AutoShutdown, Child, Strategy, Supervisor, SupervisorMsg};

/// A supervisor and what is below it, as data.
///
/// Its `Display` is the plan as a tree of text.
///
/// ```
/// use patterns_supervisor::{Child, Node, Strategy, TreeConfig};
///
/// let idle = |name| Node::from(Child::task(name, |stop| async move { stop.requested().await; Ok(()) }));
/// let shop = TreeConfig {
///     id: "shop".into(),
///     children: vec![
///         idle("orders"),
///         Node::from(TreeConfig {
///             id: "payments".into(),
///             strategy: Strategy::RestForOne,
///             children: ["gateway", "ledger"].map(idle).into(),
///             ..TreeConfig::default()
///         }),
///     ],
///     ..TreeConfig::default()
/// };
/// assert_eq!(shop.to_string(), "\
/// shop OneForOne
/// ├─ orders
/// └─ payments RestForOne
///    ├─ gateway
///    └─ ledger
/// ");
/// ```
#[derive(Debug)]
pub struct TreeConfig {
    /// Its name, and its id below another supervisor. Default: `root`.
    pub id: Arc<str>,
    /// Whom it restarts when a child has to be restarted. Default: [`Strategy::OneForOne`].
    pub strategy: Strategy,
    /// How many restarts within `restart_period` are still borne; each attempt counts, a group counts as one. With one more the
    /// supervisor stops its children and itself. Default: 3. Any number is allowed; with 0 the first restart
    /// is one too many.
    pub max_restarts: usize,
    /// The time within which restarts are counted. Default: 5 s. Any duration is allowed.
    pub restart_period: Duration,
    /// Whether it stops by itself when its significant children have ended. Default: never.
    pub auto_shutdown: AutoShutdown,
    /// Its children, in the order in which they are started. Ids must differ. Default: none.
    pub children: Vec<Node>,
}

impl Default for TreeConfig {
    fn default() -> Self {
        Self {
            id: Arc::from("root"),
            strategy: Strategy::OneForOne,
            max_restarts: 3,
            restart_period: Duration::from_secs(5),
            auto_shutdown: AutoShutdown::Never,
            children: Vec::new(),
        }
    }
}

impl TreeConfig {
    /// Makes it a child, to be given terms of its own or to a supervisor that is built otherwise.
    pub fn into_child(self) -> Child<SupervisorMsg> {
        let id = Arc::clone(&self.id);
        Child::supervisor(id, self.into_supervisor())
    }

    /// Makes it a supervisor, which is not started yet.
    pub fn into_supervisor(self) -> Supervisor {
        let supervisor = Supervisor::new(self.strategy)
            .name(self.id)
            .intensity(self.max_restarts, self.restart_period)
            .auto_shutdown(self.auto_shutdown);
        let add = |supervisor, node: Node| node.add_to(supervisor);
        self.children.into_iter().fold(supervisor, add)
    }
}

impl fmt::Display for TreeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {:?}", self.id, self.strategy)?;
        write_below(&self.children, f, "")
    }
}

/// A child of a [`TreeConfig`]: made of a [`Child`], or of another `TreeConfig`.
pub struct Node(Kind);

enum Kind {
    Child { id: Arc<str>, add: Add },
    Tree(TreeConfig),
}

/// Gives a child to a supervisor, whatever its messages are.
type Add = Box<dyn FnOnce(Supervisor) -> Supervisor + Send>;

impl Node {
    /// Returns its id.
    pub fn id(&self) -> &Arc<str> {
        match &self.0 {
            Kind::Child { id, .. } => id,
            Kind::Tree(tree) => &tree.id,
        }
    }

    fn add_to(self, supervisor: Supervisor) -> Supervisor {
        match self.0 {
            Kind::Child { add, .. } => add(supervisor),
            Kind::Tree(tree) => supervisor.child(tree.into_child()),
        }
    }
}

impl<M: Send + 'static> From<Child<M>> for Node {
    fn from(child: Child<M>) -> Self {
        Self(Kind::Child {
            id: Arc::clone(child.id()),
            add: Box::new(|supervisor| supervisor.child(child)),
        })
    }
}

impl From<TreeConfig> for Node {
    fn from(tree: TreeConfig) -> Self {
        Self(Kind::Tree(tree))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Child { id, .. } => f.debug_tuple("Node").field(id).finish(),
            Kind::Tree(tree) => f.debug_tuple("Node").field(tree).finish(),
        }
    }
}

fn write_below(nodes: &[Node], f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
    for (at, node) in nodes.iter().enumerate() {
        let last = at + 1 == nodes.len();
        let (branch, next) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        write!(f, "{indent}{branch}{}", node.id())?;
        match &node.0 {
            Kind::Child { .. } => writeln!(f)?,
            Kind::Tree(tree) => {
                writeln!(f, " {:?}", tree.strategy)?;
                write_below(&tree.children, f, &format!("{indent}{next}"))?;
            }
        }
    }
    Ok(())
}
