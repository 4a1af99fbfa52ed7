// cAdvisor as a library with its own defaults: its `cmd` is no module of its own, so that the
// ordinary Go client cannot build the program. What is missing beside it are the pages and the
// older API; what is measured (housekeeping, Engine calls, /metrics) is the library's.
// benches/peers.sh builds it.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	_ "github.com/google/cadvisor/container/docker/install"
	_ "github.com/google/cadvisor/lib/container/containerd/install"
	_ "github.com/google/cadvisor/lib/container/systemd/install"

	"github.com/google/cadvisor/lib/cache/memory"
	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/manager"
	"github.com/google/cadvisor/lib/metrics"
	"github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/utils/sysfs"
	"github.com/google/cadvisor/summary"
)

// What the program leaves out unless it is asked for.
var ignored = container.MetricSet{
	container.MemoryNumaMetrics:              struct{}{},
	container.NetworkTcpUsageMetrics:         struct{}{},
	container.NetworkUdpUsageMetrics:         struct{}{},
	container.NetworkAdvancedTcpUsageMetrics: struct{}{},
	container.ProcessSchedulerMetrics:        struct{}{},
	container.ProcessMetrics:                 struct{}{},
	container.HugetlbUsageMetrics:            struct{}{},
	container.ReferencedMemoryMetrics:        struct{}{},
	container.CPUTopologyMetrics:             struct{}{},
	container.ResctrlMetrics:                 struct{}{},
	container.CPUSetMetrics:                  struct{}{},
}

func main() {
	ip := flag.String("listen_ip", "", "address to listen on")
	port := flag.Int("port", 8080, "port to listen on")
	version := flag.Bool("version", false, "print the version and exit")
	flag.Var(&ignored, "disable_metrics", "metrics to leave out")
	labels := flag.Bool("store_container_labels", true, "the containers' labels become labels of their series")
	klog.InitFlags(nil)
	flag.Parse()
	if *version {
		fmt.Println("cAdvisor version", libraryVersion())
		return
	}

	manager.SummaryReaderFactory = func(spec model.ContainerSpec) (manager.SummaryReader, error) {
		return summary.New(spec)
	}
	included := container.AllMetrics.Difference(ignored)
	watching, err := manager.New(memory.New(2*time.Minute, nil), sysfs.NewRealSysFs(), manager.HousekeepingConfigFlags,
		included, []string{""}, []string{""}, "", 0)
	if err == nil {
		err = watching.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	labelsOf := metrics.DefaultContainerLabels
	if !*labels {
		labelsOf = metrics.BaseContainerLabels([]string{})
	}
	machine := metrics.NewPrometheusMachineCollector(watching, included)
	http.HandleFunc("/metrics", func(writer http.ResponseWriter, request *http.Request) {
		options := model.RequestOptions{IdType: "name", Count: 1, Recursive: true}
		registry := prometheus.NewRegistry()
		registry.MustRegister(
			metrics.NewPrometheusCollector(watching, labelsOf, included, clock.RealClock{}, options),
			machine, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		)
		handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
		handler.ServeHTTP(writer, request)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(fmt.Sprintf("%s:%d", *ip, *port), nil))
	os.Exit(1)
}

func libraryVersion() string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if module.Path == "github.com/google/cadvisor" {
			return module.Version
		}
	}
	return "?"
}
