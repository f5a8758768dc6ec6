//! A repository with environments, planned and applied by the real binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The simulated demo, with a load that is measured.
pub const BUSY: &str = r#"
extends = "demo.toml"

[environment]
name = "busy"

[onprem.pools.post]
replicas = { min = 1, max = 4 }

[signals]
prometheus = "http://prometheus.example:9090"
demand = 'sum(rate(inference_requests_total[1m]))'
"#;

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Ends the test unless the command ended so.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// Ends the test unless this was said somewhere, line breaks aside.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = flat(&format!("{} {}", self.out, self.err));
        assert!(said.contains(&flat(text)), "not said: {text}\n{}\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A folder with `environments/` in it.
pub struct Repository {
    folder: tempfile::TempDir,
    kubeconfig: Option<PathBuf>,
}

impl Repository {
    /// With the example environments of this project in it.
    pub fn new(kubeconfig: Option<&Path>) -> Self {
        let folder = tempfile::Builder::new().prefix("floodway-repo-").tempdir().unwrap();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments");
        let environments = folder.path().join("environments");
        fs::create_dir(&environments).unwrap();
        for entry in fs::read_dir(examples).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, environments.join(path.file_name().unwrap())).unwrap();
            }
        }
        Self { folder, kubeconfig: kubeconfig.map(Path::to_path_buf) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes an environment.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join("environments").join(format!("{name}.toml")), text).unwrap();
    }

    /// Uses another kubeconfig from now on.
    pub fn use_kubeconfig(&mut self, path: &Path) {
        self.kubeconfig = Some(path.to_path_buf());
    }

    /// The command, ready to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_floodway"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("COLUMNS", "100")
            .stdin(Stdio::null());
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }
}
