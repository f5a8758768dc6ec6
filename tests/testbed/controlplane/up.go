package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const adminToken = "admin-token"

// up starts the servers in a directory, prints how to reach them as one line
// of JSON, and ends them when its standard input ends: whoever holds the other
// end of that pipe cannot leave servers behind, however it dies.
func up(args []string) {
	// Children die with the thread that started them (Pdeathsig).
	runtime.LockOSThread()
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	dir := flags.String("dir", "", "directory for data, logs and credentials")
	kwok := flags.String("kwok", "", "kwok binary; none: no nodes, scheduler or metrics")
	stages := flags.String("stages", "", "kwok stages")
	timeScale := flags.Float64("time-scale", 0, "divide the HPA controller's own times by this; 0: as short as they can be")
	_ = flags.Parse(args)

	bed := &testBed{dir: *dir, etcd: freePort(), peer: freePort(), api: freePort()}
	bed.must(os.MkdirAll(bed.path("certs"), 0o700))
	bed.writeServiceAccountKey()
	bed.write("tokens.csv", adminToken+",admin,1,system:masters\n")
	bed.write("kubeconfig", bed.kubeconfig())

	bed.start("etcd", "--data-dir="+bed.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--quota-backend-bytes=2147483648",
		"--listen-client-urls="+local("http", bed.etcd), "--advertise-client-urls="+local("http", bed.etcd),
		"--listen-peer-urls="+local("http", bed.peer), "--initial-advertise-peer-urls="+local("http", bed.peer),
		"--initial-cluster=default="+local("http", bed.peer))
	bed.start("kube-apiserver", "--etcd-servers="+local("http", bed.etcd),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", bed.api), "--cert-dir="+bed.path("certs"),
		"--service-account-key-file="+bed.path("service-account.key"),
		"--service-account-signing-key-file="+bed.path("service-account.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--token-auth-file="+bed.path("tokens.csv"), "--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none")
	bed.await("the API server", func() error { return bed.call(http.MethodGet, "/readyz", nil) })
	bed.start("kube-controller-manager", append([]string{"--kubeconfig=" + bed.path("kubeconfig"), "--leader-elect=false", "--secure-port=0",
		"--service-account-private-key-file=" + bed.path("service-account.key"), "--root-ca-file=" + bed.path("certs/apiserver.crt"),
		"--kube-api-qps=300", "--kube-api-burst=600"}, autoscalerTimes(*timeScale)...)...)
	if *kwok != "" {
		bed.startNodes(*kwok, *stages)
	}
	bed.await("the first service account", func() error {
		return bed.call(http.MethodGet, "/api/v1/namespaces/default/serviceaccounts/default", nil)
	})

	line, err := json.Marshal(map[string]any{
		"server": local("https", bed.api), "token": adminToken, "kubeconfig": bed.path("kubeconfig"),
		"ca": bed.path("certs/apiserver.crt"), "metrics": local("http", bed.control), "pids": bed.pids(),
	})
	bed.must(err)
	fmt.Println(string(line))
	bed.waitForEnd()
}

// autoscalerTimes are the HPA controller's: its defaults, divided by scale.
func autoscalerTimes(scale float64) []string {
	if scale <= 0 {
		return []string{"--horizontal-pod-autoscaler-sync-period=1s", "--horizontal-pod-autoscaler-downscale-stabilization=2s"}
	}
	flags := []string{}
	for _, one := range []struct {
		name    string
		seconds float64
	}{{"sync-period", 15}, {"downscale-stabilization", 300}, {"initial-readiness-delay", 30}, {"cpu-initialization-period", 300}} {
		span := time.Duration(one.seconds / scale * float64(time.Second))
		flags = append(flags, fmt.Sprintf("--horizontal-pod-autoscaler-%s=%s", one.name, span))
	}
	return flags
}

type testBed struct {
	dir                           string
	etcd, peer, api, control, tls int
	children                      []*exec.Cmd
	ending                        atomic.Bool
}

// startNodes adds what makes pods run: the scheduler, kwok, and a metrics API.
func (b *testBed) startNodes(kwok, stages string) {
	b.control, b.tls = freePort(), freePort()
	b.write("scheduler.yaml", b.schedulerConfig())
	b.start("kube-scheduler", "--config="+b.path("scheduler.yaml"), "--secure-port=0")
	b.start("metrics", fmt.Sprintf("--api=127.0.0.1:%d", b.tls), fmt.Sprintf("--control=127.0.0.1:%d", b.control))
	b.spawn("kwok", kwok, "--kubeconfig="+b.path("kubeconfig"), "--config="+stages, "--manage-all-nodes=true")
	// An aggregated API behind a name that resolves to loopback: endpoints on
	// loopback addresses are refused, an ExternalName is not.
	service := fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"external-metrics"},
		"spec":{"type":"ExternalName","externalName":"localhost","ports":[{"port":%d}]}}`, b.tls)
	b.must(b.call(http.MethodPost, "/api/v1/namespaces/kube-system/services", []byte(service)))
	registration := fmt.Sprintf(`{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService",
		"metadata":{"name":"v1beta1.%[1]s"},"spec":{"group":"%[1]s","version":"v1beta1",
		"groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,
		"service":{"name":"external-metrics","namespace":"kube-system","port":%[2]d}}}`, metricsGroup, b.tls)
	b.must(b.call(http.MethodPost, "/apis/apiregistration.k8s.io/v1/apiservices", []byte(registration)))
}

func (b *testBed) start(part string, args ...string) {
	b.spawn(part, "/proc/self/exe", append([]string{part}, args...)...)
}

func (b *testBed) spawn(name, program string, args ...string) {
	logFile, err := os.Create(b.path(name + ".log"))
	b.must(err)
	child := exec.Command(program, args...)
	child.Stdout, child.Stderr = logFile, logFile
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	b.must(child.Start())
	b.children = append(b.children, child)
	go func() {
		err := child.Wait()
		if b.ending.Load() {
			return
		}
		fmt.Fprintf(os.Stderr, "%s ended: %v\n%s", name, err, tail(b.path(name+".log")))
		os.Exit(1)
	}()
}

func (b *testBed) waitForEnd() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		signals <- syscall.SIGTERM
	}()
	<-signals
	// Nothing is worth a clean end: the directory goes too.
	b.ending.Store(true)
	for _, child := range b.children {
		_ = child.Process.Kill()
		_, _ = child.Process.Wait()
	}
	_ = os.RemoveAll(b.dir)
	os.Exit(0)
}

func (b *testBed) pids() []int {
	pids := []int{}
	for _, child := range b.children {
		pids = append(pids, child.Process.Pid)
	}
	return pids
}

func (b *testBed) await(what string, try func() error) {
	deadline := time.Now().Add(3 * time.Minute)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.must(fmt.Errorf("%s did not come up: %w; logs are in %s", what, err, b.dir))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (b *testBed) call(method, path string, body []byte) error {
	pool := x509.NewCertPool()
	certificate, err := os.ReadFile(b.path("certs/apiserver.crt"))
	if err != nil {
		return err
	}
	pool.AppendCertsFromPEM(certificate)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 10 * time.Second}
	request, err := http.NewRequest(method, local("https", b.api)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return nil
}

func (b *testBed) kubeconfig() string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: bed, cluster: {server: "%s", certificate-authority: "%s"}}]
users: [{name: admin, user: {token: %s}}]
contexts: [{name: bed, context: {cluster: bed, user: admin}}]
current-context: bed
`, local("https", b.api), b.path("certs/apiserver.crt"), adminToken)
}

// schedulerConfig has pods that found no node tried again a second after one
// came. By default that takes up to ten, the longer the more often others came
// before: minutes to a test that runs many times as fast as life.
func (b *testBed) schedulerConfig() string {
	return fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: "%s", qps: 300, burst: 600}
leaderElection: {leaderElect: false}
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 1
`, b.path("kubeconfig"))
}

func (b *testBed) writeServiceAccountKey() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	b.must(err)
	block := pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	b.write("service-account.key", string(pem.EncodeToMemory(&block)))
}

func (b *testBed) path(name string) string { return filepath.Join(b.dir, name) }

func (b *testBed) write(name, text string) {
	b.must(os.WriteFile(b.path(name), []byte(text), 0o600))
}

func (b *testBed) must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "test bed:", err)
		os.Exit(1)
	}
}

func local(scheme string, port int) string { return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port) }

func freePort() int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// tail is the end of a log, for the person who reads why a server ended.
func tail(path string) string {
	text, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n") + "\n"
}
