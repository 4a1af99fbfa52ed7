//! Images under the tags of `docker-compose.monitoring.yml`, for none can be pulled here.
//!
//! Prometheus and Alertmanager are the real programs of Debian's packages, older than the tags say
//! (what its promtool lacks, `check ready`, is a script). Stand-ins are the proxy of the socket (nginx
//! with the same list of paths; who may ask it is not looked at), Grafana (only listens), and the
//! base `debian:trixie-slim` (this machine's libraries and shell), on which the last stage of the
//! `Dockerfile` is built as it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use bollard::body_full;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::TryStreamExt as _;

use super::docker::Docker;
use super::process::need_program;
use super::watchdog;

/// A root file system in the making.
pub struct Image {
    root: PathBuf,
    changes: Vec<String>,
}

impl Image {
    pub fn new() -> Self {
        let root = watchdog::dir("image");
        // The usual folders, merged as Debian has them.
        for folder in ["usr/bin", "usr/lib/x86_64-linux-gnu", "etc", "tmp", "usr/lib64"] {
            fs::create_dir_all(root.join(folder)).expect("a folder of the image");
        }
        for (link, target) in [("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")] {
            symlink(target, root.join(link)).expect("a link");
        }
        fs::write(root.join("etc/passwd"), "root:x:0:0::/:\nnobody:x:65534:65534::/:\n").unwrap();
        fs::write(root.join("etc/group"), "root:x:0:\nnogroup:x:65534:\n").unwrap();
        fs::set_permissions(root.join("tmp"), Permissions::from_mode(0o1777)).unwrap();
        Self { root, changes: Vec::new() }
    }

    /// A program of this machine with the libraries that it asks for, under a name in `/usr/bin`.
    pub fn program(self, program: &str, package: &str, name: &str) -> Self {
        let path = need_program(program.as_ref(), package);
        fs::copy(&path, self.root.join("usr/bin").join(name)).expect("copy a program");
        self.libraries(&path)
    }

    /// The libraries of a program.
    pub fn libraries(self, program: &Path) -> Self {
        let output = Command::new("ldd").arg(program).output().expect("ldd");
        // A static one has none, and a status of 1.
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        for library in said.split_whitespace().filter(|word| word.starts_with('/')) {
            let place = self.root.join(library.trim_start_matches('/'));
            fs::create_dir_all(place.parent().unwrap()).expect("a folder");
            if !place.exists() {
                fs::copy(library, place).expect("copy a library");
            }
        }
        self
    }

    /// busybox, with these names for some of what it can do.
    pub fn busybox(self, applets: &[&str]) -> Self {
        let image = self.program("busybox", "busybox-static", "busybox");
        for applet in applets {
            symlink("busybox", image.root.join("usr/bin").join(applet)).expect("a link");
        }
        image
    }

    /// A folder's files as they are on this machine.
    pub fn files_of(self, folder: &str) -> Self {
        let place = self.root.join(folder.trim_start_matches('/'));
        fs::create_dir_all(&place).expect("a folder");
        for file in fs::read_dir(folder).expect(folder).map(|entry| entry.unwrap().path()) {
            if file.is_file() {
                fs::copy(&file, place.join(file.file_name().unwrap())).expect("copy a file");
            }
        }
        self
    }

    pub fn script(self, path: &str, script: &str) -> Self {
        let place = self.root.join(path);
        fs::create_dir_all(place.parent().unwrap()).expect("a folder");
        fs::write(&place, script).expect("a script");
        fs::set_permissions(place, Permissions::from_mode(0o755)).expect("permissions");
        self
    }

    /// An empty folder that belongs to somebody, as a volume takes its owner from it.
    pub fn folder(self, path: &str, user: u32, group: u32) -> Self {
        let place = self.root.join(path);
        fs::create_dir_all(&place).expect("a folder");
        chown(place, Some(user), Some(group)).expect("chown, as root");
        self
    }

    /// An instruction of a Dockerfile, such as `ENTRYPOINT ["/bin/x"]`.
    pub fn change(mut self, instruction: &str) -> Self {
        self.changes.push(instruction.to_owned());
        self
    }

    /// Imports it under a tag.
    pub fn import(self, docker: &Docker, image: &str) {
        let tar =
            Command::new("tar").arg("-C").arg(&self.root).args(["-c", "."]).output().expect("tar");
        assert!(tar.status.success(), "tar: {}", String::from_utf8_lossy(&tar.stderr));
        let _ = fs::remove_dir_all(&self.root);
        let (repository, tag) = image.rsplit_once(':').expect("a tag");
        let options = CreateImageOptionsBuilder::new()
            .from_src("-")
            .repo(repository)
            .tag(tag)
            .changes(self.changes)
            .build();
        let body = body_full(tar.stdout.into());
        let told = docker.engine.ask(async |client| {
            let answer = client.create_image(Some(options), Some(body), None);
            answer.try_collect::<Vec<_>>().await
        });
        told.expect("docker import");
    }
}

/// The health check asks `check ready`, which is newer than Debian's program.
const PROMTOOL: &str = r#"#!/bin/sh
[ "$1 $2" = "check ready" ] || exec promtool-of-the-package "$@"
exec wget -q -O /dev/null "${3#--url=}/-/ready"
"#;

/// Reads the flags of the real proxy and has nginx pass what they let through.
const PROXY: &str = r#"#!/bin/sh
for flag; do
    case $flag in -allowGET=*) paths=${flag#-allowGET=} ;; esac
done
cd /dev/shm && mkdir -p body proxy
cat >nginx.conf <<END
user root root; daemon off; master_process off; pid /dev/shm/pid; error_log /dev/stderr warn;
events {}
http {
    access_log off; client_body_temp_path /dev/shm/body; proxy_temp_path /dev/shm/proxy;
    fastcgi_temp_path /dev/shm/f; uwsgi_temp_path /dev/shm/u; scgi_temp_path /dev/shm/s;
    server {
        listen 2375;
        location ~ "^(?:$paths)\$" {
            limit_except GET { deny all; }
            proxy_pass http://unix:/var/run/docker.sock; proxy_http_version 1.1;
            proxy_buffering off; proxy_read_timeout 1h;
        }
        location / { return 403; }
    }
}
END
exec nginx -c /dev/shm/nginx.conf
"#;

/// All images but that of the exporter, and what that is built on.
pub fn import_all(docker: &Docker, exporter: &Path) {
    Image::new()
        .program("prometheus", "prometheus", "prometheus")
        .program("promtool", "prometheus", "promtool-of-the-package")
        .busybox(&["sh", "wget"])
        .script("usr/bin/promtool", PROMTOOL)
        .folder("prometheus", 65534, 65534)
        .change(r#"ENTRYPOINT ["/bin/prometheus"]"#)
        .import(docker, "prom/prometheus:v3.14.0");
    Image::new()
        .program("prometheus-alertmanager", "prometheus-alertmanager", "alertmanager")
        .program("amtool", "prometheus-alertmanager", "amtool")
        .files_of("/usr/share/prometheus/alertmanager")
        .folder("alertmanager", 65534, 65534)
        .change(r#"ENTRYPOINT ["/bin/alertmanager"]"#)
        .import(docker, "prom/alertmanager:v0.34.0");
    Image::new()
        .program("nginx", "nginx", "nginx")
        .busybox(&["sh", "cat", "mkdir", "wget"])
        .folder("var/log/nginx", 0, 0)
        .script("entry", PROXY)
        .script("healthcheck", "#!/bin/sh\nexec wget -q -O /dev/null http://127.0.0.1:2375/_ping\n")
        .change(r#"ENTRYPOINT ["/entry"]"#)
        .import(docker, "wollomatic/socket-proxy:1.12.2");
    Image::new()
        .busybox(&["sh", "cat", "ls", "wget", "httpd"])
        .script("www/api/health", "{}")
        .folder("var/lib/grafana", 472, 0)
        .change(r#"ENTRYPOINT ["httpd", "-f", "-p", "3000", "-h", "/www"]"#)
        .import(docker, "grafana/grafana:13.1.3");
    Image::new()
        .program("bash", "bash", "bash")
        .program("dash", "dash", "sh")
        .program("install", "coreutils", "install")
        .program("grep", "grep", "grep")
        .libraries(exporter)
        .folder("usr/local/bin", 0, 0)
        .change(r#"CMD ["bash"]"#)
        .import(docker, "debian:trixie-slim");
}

/// The folder that `docker build` reads: the exporter of this build without its debug information, and
/// the `Dockerfile` with its first stage, which would compile it anew, replaced by that.
pub fn build_context(into: &Path, exporter: &Path) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut strip = Command::new("strip");
    let stripped = strip.arg("-o").arg(into.join("stack-exporter")).arg(exporter).status();
    assert!(stripped.expect("strip, of binutils").success());
    let dockerfile = fs::read_to_string(repository.join("Dockerfile")).expect("Dockerfile");
    let (_, last) = dockerfile.split_once("\nFROM debian:trixie-slim\n").expect("a last stage");
    let built = "/build/target/dist/stack-exporter";
    assert!(last.contains(&format!("COPY --from=build {built} ")), "{last}");
    let text = format!(
        "FROM scratch AS build\nCOPY stack-exporter {built}\nFROM debian:trixie-slim\n{last}"
    );
    fs::write(into.join("Dockerfile"), text).expect("Dockerfile");
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(repository.join(name), into.join(name)).expect("a licence");
    }
}
