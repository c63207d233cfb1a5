//! The channel to a terminal, or to anything else that can be written to.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{BatchChannel, Channel, ChannelError, Options};
use crate::BoxFuture;

/// Where a [`Console`] writes: its own, or that of one delivery as an option of it. Clones write to the same.
///
/// # User code under a lock
///
/// The writer runs under a lock of its own, so that lines do not mix. It must not use the same device.
#[derive(Clone)]
pub struct Device(Arc<Mutex<dyn Write + Send>>);

impl Device {
    /// Makes a device of any writer.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }

    /// The standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// The standard error output.
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(io::stderr())
    }

    /// Writes lines in one go, for a reader that looks in between.
    fn write(&self, lines: &str) -> io::Result<()> {
        let mut writer = self.0.lock();
        writer.write_all(lines.as_bytes())?;
        writer.flush()
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device")
    }
}

/// Writes each text and a line break, to the standard output unless told otherwise. Its name is `console`.
///
/// An error of the writer is the error of the delivery; the line may be there in part. Writing blocks the thread: for a terminal or a file
/// that is short.
///
/// As an option of one delivery, a [`Device`] takes the place of its own.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_behaviour::notification::{Channel, Console, Device, Options};
///
/// Console::new().deliver("to the terminal", &Options::new()).await?;
/// let errors = Options::new().with(Device::stderr());
/// Console::new().deliver("to the errors", &errors).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Console(Device);

impl Console {
    /// Makes one that writes to the standard output.
    #[must_use]
    pub fn new() -> Self {
        Self(Device::stdout())
    }

    /// Makes one that writes elsewhere.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Device::new(writer))
    }

    fn device<'a>(&'a self, options: &'a Options) -> &'a Device {
        options.get::<Device>().unwrap_or(&self.0)
    }
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

impl Channel for Console {
    fn deliver<'a>(
        &'a self,
        text: &'a str,
        options: &'a Options,
    ) -> BoxFuture<'a, Result<String, ChannelError>> {
        Box::pin(async move {
            self.device(options).write(&format!("{text}\n"))?;
            Ok(text.to_owned())
        })
    }

    fn name(&self) -> &str {
        "console"
    }

    fn as_batch(&self) -> Option<&dyn BatchChannel> {
        Some(self)
    }
}

impl BatchChannel for Console {
    fn deliver_batch<'a>(
        &'a self,
        texts: &'a [String],
        options: &'a Options,
    ) -> BoxFuture<'a, Result<Vec<String>, ChannelError>> {
        Box::pin(async move {
            let lines: String = texts.iter().flat_map(|text| [text, "\n"]).collect();
            self.device(options).write(&lines)?;
            Ok(texts.to_vec())
        })
    }
}
