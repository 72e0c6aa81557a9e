//! Structured logs: lines of text or JSON, to files that rotate by size, or to the console.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use althing_types::config::{LogConfig, LogFormat, LogLevel};
use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use parking_lot::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// Why logs cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The folder cannot be used.
    #[error(
        "config.ini [log] log_path: the folder {folder} cannot be used: {source}; make it writable or name another"
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Logging was set up twice.
    #[error("set up logging: {0}")]
    Installed(String),
}

/// A log file that rotates, shared by all threads.
#[derive(Clone)]
struct RotatingFile(Arc<Mutex<FileRotate<AppendCount>>>);

impl Write for RotatingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.lock().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().flush()
    }
}

impl<'a> MakeWriter<'a> for RotatingFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Sets logging up for this process. Relative paths are relative to `base`.
pub fn install(config: &LogConfig, base: &Path) -> Result<(), TelemetryError> {
    let level = match config.level {
        LogLevel::Error => "error",
        LogLevel::Warning => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let filter = EnvFilter::new(if config.enable { level } else { "off" });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false);
    let installed = if config.console || !config.enable {
        match config.format {
            LogFormat::Json => builder.with_writer(io::stderr).json().finish().try_init(),
            LogFormat::Text => builder.with_writer(io::stderr).finish().try_init(),
        }
    } else {
        let file = open(config, base)?;
        match config.format {
            LogFormat::Json => builder.with_writer(file).json().finish().try_init(),
            LogFormat::Text => builder.with_writer(file).finish().try_init(),
        }
    };
    installed.map_err(|e| TelemetryError::Installed(e.to_string()))
}

fn open(config: &LogConfig, base: &Path) -> Result<RotatingFile, TelemetryError> {
    let folder = base.join(&config.path);
    let failed = |source| TelemetryError::Folder {
        folder: folder.clone(),
        source,
    };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let path = folder.join("althing-node.log");
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .map_err(failed)?;
    let limit = ContentLimit::BytesSurpassed((config.max_file_mb as usize).max(1) << 20);
    let count = AppendCount::new((config.max_files as usize).max(1));
    let file = FileRotate::new(path, count, limit, Compression::None, None);
    Ok(RotatingFile(Arc::new(Mutex::new(file))))
}
