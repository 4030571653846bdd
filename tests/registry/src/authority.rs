//! A certificate authority of a test's own, and a certificate for this machine, made by openssl(1).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

/// Files that last as long as this does.
pub struct Authority {
    directory: TempDir,
}

impl Authority {
    /// Makes an authority, and a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    /// When openssl is not there or does not like it.
    pub fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        std::fs::create_dir(directory.path().join("trusted"))?;
        let this = Self { directory };
        this.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "trusted/ca.crt",
            "-days",
            "2",
            "-subj",
            "/CN=lazaret test authority",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        ])?;
        this.openssl(&[
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
            "-subj",
            "/CN=localhost",
        ])?;
        let extensions = "basicConstraints=critical,CA:FALSE\n\
                          keyUsage=critical,digitalSignature\n\
                          extendedKeyUsage=serverAuth\n\
                          subjectAltName=DNS:localhost,IP:127.0.0.1\n";
        std::fs::write(this.directory.path().join("extensions"), extensions)?;
        this.openssl(&[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "trusted/ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extensions",
            "-out",
            "server.crt",
        ])?;
        Ok(this)
    }

    /// The authority's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.trusted().join("ca.crt")
    }

    /// A directory with nothing but the authority's certificate, as skopeo's `--cert-dir` wants it.
    #[must_use]
    pub fn trusted(&self) -> PathBuf {
        self.directory.path().join("trusted")
    }

    /// The server's certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("server.crt")
    }

    /// The server's key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.directory.path().join("server.key")
    }

    fn openssl(&self, arguments: &[&str]) -> Result<()> {
        run(self.directory.path(), arguments).with_context(|| format!("openssl {}", arguments[0]))
    }
}

fn run(directory: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", output.status);
    Ok(())
}
