//! A proxy in a folder of its own, with a config as small as an operator can write one.

use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

type Done = Result<(), Box<dyn Error>>;

/// A running proxy before one server. It ends with this value, and its folder with it.
pub(crate) struct Proxy {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    child: Child,
}

#[derive(Clone, Copy)]
enum Kind {
    Nginx,
    Haproxy,
}

impl Proxy {
    /// Starts a proxy that cuts a link that was silent for a second.
    pub(crate) async fn start(name: &str, to: u16) -> Result<Self, Box<dyn Error>> {
        Self::start_with(name, to, Kind::config).await
    }

    /// Starts a proxy that knows no more than where the server is.
    pub(crate) async fn start_by_default(name: &str, to: u16) -> Result<Self, Box<dyn Error>> {
        Self::start_with(name, to, Kind::default_config).await
    }

    async fn start_with(
        name: &str,
        to: u16,
        config: fn(Kind, u16, u16) -> String,
    ) -> Result<Self, Box<dyn Error>> {
        let kind = match name {
            "nginx" => Kind::Nginx,
            "haproxy" => Kind::Haproxy,
            other => return Err(format!("there are no checks for `{other}`").into()),
        };
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder =
            std::env::temp_dir().join(format!("proxies-{}-{name}-{port}", std::process::id()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("conf"), config(kind, port, to).trim_end().to_owned() + "\n")?;
        let child = kind.command(&folder).spawn()?;
        let proxy = Self { kind, folder, port, child };
        proxy.listens().await?;
        Ok(proxy)
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    /// Loads the config anew. The old processes end half a second later, with their links.
    pub(crate) async fn reload(&mut self) -> Done {
        let mut command = self.kind.command(&self.folder);
        match self.kind {
            Kind::Nginx => {
                let reloaded = command.args(["-s", "reload"]).status().await?;
                if !reloaded.success() {
                    return Err("nginx -s reload".into());
                }
            }
            Kind::Haproxy => {
                let old = self.child.id().ok_or("it has ended")?.to_string();
                let mut old =
                    std::mem::replace(&mut self.child, command.args(["-sf", &old]).spawn()?);
                timeout(Duration::from_secs(10), old.wait()).await??;
            }
        }
        Ok(())
    }

    /// Ends the proxy as an operator does, by SIGTERM.
    pub(crate) async fn stop(&mut self) -> Done {
        let id = self.child.id().ok_or("it has ended")?.to_string();
        Command::new("kill").args(["-s", "TERM", &id]).status().await?;
        timeout(Duration::from_secs(10), self.child.wait()).await??;
        Ok(())
    }

    /// Starts the proxy again.
    pub(crate) async fn start_again(&mut self) -> Done {
        self.child = self.kind.command(&self.folder).spawn()?;
        self.listens().await
    }

    /// Waits until the proxy listens.
    async fn listens(&self) -> Done {
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Err("it does not listen".into())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(id) = self.child.id() {
            // Not by SIGKILL: the workers of nginx would go on without it.
            let _ = std::process::Command::new("kill").arg(id.to_string()).status();
        }
        // What is left lies where each system cleans up.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Kind {
    fn command(self, folder: &std::path::Path) -> Command {
        let config = folder.join("conf");
        let mut command = match self {
            Self::Nginx => {
                let mut command = Command::new("/usr/sbin/nginx");
                command.arg("-p").arg(folder).args(["-e", "stderr", "-c"]).arg(config);
                command
            }
            Self::Haproxy => {
                let mut command = Command::new("/usr/sbin/haproxy");
                command.args(["-db", "-f"]).arg(config);
                command
            }
        };
        command.stdin(Stdio::null());
        command
    }

    fn config(self, port: u16, to: u16) -> String {
        match self {
            Self::Nginx => format!(
                "daemon off;
                worker_processes 1;
                worker_shutdown_timeout 500ms;
                error_log stderr crit;
                pid pid;
                events {{}}
                http {{
                    access_log off;
                    client_body_temp_path body;
                    proxy_temp_path proxy;
                    fastcgi_temp_path fastcgi;
                    uwsgi_temp_path uwsgi;
                    scgi_temp_path scgi;
                    server {{
                        listen 127.0.0.1:{port};
                        location / {{
                            proxy_pass http://127.0.0.1:{to};
                            proxy_http_version 1.1;
                            proxy_set_header Upgrade $http_upgrade;
                            proxy_set_header Connection upgrade;
                            proxy_set_header Host $http_host;
                            proxy_read_timeout 1s;
                        }}
                    }}
                }}
                "
            ),
            Self::Haproxy => format!(
                "global
                    hard-stop-after 500ms
                defaults
                    mode http
                    timeout connect 1s
                    timeout client 30s
                    timeout server 30s
                    timeout tunnel 1s
                frontend links
                    bind 127.0.0.1:{port}
                    default_backend servers
                backend servers
                    server only 127.0.0.1:{to}
                "
            ),
        }
    }

    /// The settings of an operator who has never heard of streams: those of the documentation's first page, and the
    /// times of Debian's config of haproxy, which has none of its own.
    fn default_config(self, port: u16, to: u16) -> String {
        match self {
            Self::Nginx => format!(
                "daemon off;
                error_log stderr crit;
                pid pid;
                events {{}}
                http {{
                    access_log off;
                    client_body_temp_path body;
                    proxy_temp_path proxy;
                    fastcgi_temp_path fastcgi;
                    uwsgi_temp_path uwsgi;
                    scgi_temp_path scgi;
                    server {{
                        listen 127.0.0.1:{port};
                        location / {{
                            proxy_pass http://127.0.0.1:{to};
                        }}
                    }}
                }}
                "
            ),
            Self::Haproxy => format!(
                "defaults
                    mode http
                    timeout connect 5000
                    timeout client 50000
                    timeout server 50000
                frontend links
                    bind 127.0.0.1:{port}
                    default_backend servers
                backend servers
                    server only 127.0.0.1:{to}
                "
            ),
        }
    }
}
