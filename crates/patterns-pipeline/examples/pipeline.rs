//! Imports orders from a CSV file: each is validated, reserved, charged and shipped, or nothing is left of it.

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use futures_util::stream;
use patterns_pipeline::{
    Backoff, BoxPipeline, Cause, FlowExt, Pipeline, RetryConfig, StageConfig, StageFailure,
    TimedOut,
};

#[path = "support/csv.rs"]
mod csv;
#[path = "support/shop.rs"]
mod shop;

use csv::Record;
use shop::{Books, Cents, Shop};

/// An order that can be carried out.
#[derive(Debug, Clone)]
struct Order {
    number: u32,
    customer: String,
    item: String,
    quantity: u64,
    total: Cents,
    address: String,
}

/// Why an order was not carried out.
#[derive(Debug)]
enum OrderError {
    Row(String),
    Refused(&'static str),
    Late(TimedOut),
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(text) => text.fmt(f),
            Self::Refused(text) => text.fmt(f),
            Self::Late(late) => late.fmt(f),
        }
    }
}

impl From<TimedOut> for OrderError {
    fn from(late: TimedOut) -> Self {
        Self::Late(late)
    }
}

/// Makes an order of a record.
fn validate(record: Record) -> Result<Order, OrderError> {
    let Record { line, fields } = record;
    let bad = |text: &str| OrderError::Row(format!("line {line}: {text}"));
    let fields = fields.map_err(bad)?;
    let [number, customer, item, quantity, price, address] = &fields[..] else {
        return Err(bad(&format!(
            "{} fields where there should be 6",
            fields.len()
        )));
    };
    let number = number
        .parse()
        .map_err(|_| bad(&format!("`{number}` is no order number")))?;
    let quantity: u64 = quantity
        .parse()
        .map_err(|_| bad(&format!("`{quantity}` is no quantity")))?;
    if quantity == 0 {
        return Err(bad("nothing is ordered"));
    }
    let price = cents(price).ok_or_else(|| bad(&format!("`{price}` is no price")))?;
    Ok(Order {
        number,
        customer: customer.clone(),
        item: item.clone(),
        quantity,
        total: price * quantity,
        address: address.clone(),
    })
}

/// `39.50` is 3950.
fn cents(text: &str) -> Option<Cents> {
    let (euros, cents) = text.split_once('.')?;
    (cents.len() == 2).then_some(())?;
    Some(euros.parse::<Cents>().ok()? * 100 + cents.parse::<Cents>().ok()?)
}

/// Validate, reserve, charge, ship. What a step has done, its undo takes back when a later one fails.
fn import(shop: &Shop) -> BoxPipeline<Record, Order, OrderError> {
    let [reserving, releasing, charging, refunding, shipping] =
        std::array::from_fn(|_| shop.clone());
    let retry = RetryConfig {
        backoff: Backoff::constant(Duration::from_millis(5)),
        ..RetryConfig::default()
    };
    Pipeline::new()
        .step("validate", validate)
        .step_async("reserve", move |order: Order| {
            let shop = reserving.clone();
            async move {
                let reserved = shop.reserve(&order.item, order.quantity).await;
                reserved.map(|()| order).map_err(OrderError::Refused)
            }
        })
        .undo_async(move |order: Order| {
            let shop = releasing.clone();
            async move { shop.release(&order.item, order.quantity).await }
        })
        .step_async("charge", move |order: Order| {
            let shop = charging.clone();
            async move {
                let charged = shop.charge(&order.customer, order.total).await;
                charged.map(|()| order).map_err(OrderError::Refused)
            }
        })
        .retry_if(retry, |cause| {
            matches!(
                cause,
                Cause::Failed(OrderError::Refused("the bank is busy"))
            )
        })
        .undo_async(move |order: Order| {
            let shop = refunding.clone();
            async move { shop.refund(&order.customer, order.total).await }
        })
        .step_async("ship", move |order: Order| {
            let shop = shipping.clone();
            async move {
                let shipped = shop.ship(&order.item, order.quantity, &order.address).await;
                shipped.map(|()| order).map_err(OrderError::Refused)
            }
        })
        .timeout(Duration::from_millis(50))
        .on_undone(|undone| {
            if !undone.is_done() {
                eprintln!("{undone}");
            }
        })
        .boxed()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/orders.csv");
    let journal = std::env::temp_dir().join(format!("orders-{}.journal", std::process::id()));
    let records: Vec<_> = csv::read(&std::fs::read_to_string(file)?)
        .into_iter()
        .skip(1)
        .collect();
    let shop = Shop::open(&journal)?;
    let import = import(&shop);

    println!(
        "{:>4}  {:<8} {:>8}  what became of it",
        "item", "step", "undone"
    );
    let config = StageConfig {
        max_concurrency: NonZeroUsize::MIN.saturating_add(2),
        ..StageConfig::default()
    };
    let mut orders = stream::iter(records)
        .flow()
        .through("import", config, &import);
    let (mut shipped, mut refused, mut index) = (0, 0, 0);
    while let Some(result) = orders.next().await {
        match result {
            Ok(order) => {
                shipped += 1;
                println!(
                    "{index:>4}  {:<8} {:>8}  order {} shipped",
                    "", "", order.number
                );
            }
            Err(error) => {
                refused += 1;
                let StageFailure::Step(error) = error.failure else {
                    return Err(error.to_string().into());
                };
                let (step, undone) = (&error.step, error.undone.len());
                println!("{index:>4}  {step:<8} {undone:>8}  {}", error.cause);
            }
        }
        index += 1;
    }

    // One more customer, who hangs up while her parcel is on its way: the run is dropped, and undone in the background.
    let record = |text: &str| csv::read(text).remove(0);
    let order = record("1017,Ada,lamp,1,39.50,9 Canal Street");
    let hung_up = tokio::time::timeout(Duration::from_millis(30), import.run(order)).await;
    println!(
        "\nhung up: {}, being undone: {}",
        hung_up.is_err(),
        import.stats().undoing
    );
    import.settled().await;

    let run = import
        .run_traced(record("1018,Alan,chair,1,75.00,Moon"))
        .await;
    println!("\nOne order to the moon, step by step:\n{}", run.trace);

    let (lines, replayed) = shop.replay()?;
    report(&shop.books(), shipped, refused)?;
    println!(
        "{lines} lines in the journal; they make the same books: {}",
        replayed == Some(shop.books())
    );
    if replayed != Some(shop.books()) {
        return Err("the journal and the books differ".into());
    }
    std::fs::remove_file(journal)?;
    Ok(())
}

/// Shows that nothing has been lost, and nothing made.
fn report(books: &Books, shipped: u32, refused: u32) -> Result<(), Box<dyn Error>> {
    let opened = Books::opened();
    println!("{shipped} orders shipped, {refused} refused");
    println!(
        "{:<6} {:>6} {:>6} {:>8} {:>6}",
        "item", "before", "stock", "shipped", "sum"
    );
    for (item, before) in &opened.stock {
        let (stock, shipped) = (books.stock[item], books.shipped.get(item).unwrap_or(&0));
        println!(
            "{item:<6} {before:>6} {stock:>6} {shipped:>8} {:>6}",
            books.items(item)
        );
        if books.items(item) != *before {
            return Err(format!("the number of {item}s has changed").into());
        }
    }
    let euros = |cents: Cents| format!("{}.{:02}", cents / 100, cents % 100);
    println!(
        "money: {} before; {} with customers and {} in the till are {}",
        euros(opened.money()),
        euros(books.money() - books.till),
        euros(books.till),
        euros(books.money())
    );
    if books.money() != opened.money() {
        return Err("money was made or lost".into());
    }
    Ok(())
}
