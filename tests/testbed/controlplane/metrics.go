package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	certutil "k8s.io/client-go/util/cert"
)

const metricsGroup = "external.metrics.k8s.io"

// serveMetrics is an external metrics API whose values the tests set: without
// one, a HorizontalPodAutoscaler never moves.
//
//	PUT http://ADDRESS/NAMESPACE/METRIC with a quantity as the body
func serveMetrics(args []string) {
	flags := flag.NewFlagSet("metrics", flag.ExitOnError)
	api := flags.String("api", "127.0.0.1:0", "TLS address of the API")
	control := flags.String("control", "127.0.0.1:0", "address on which values are set")
	_ = flags.Parse(args)

	store := &metricStore{values: map[string]string{}}
	go func() { log.Fatal(http.ListenAndServe(*control, http.HandlerFunc(store.set))) }()

	certificate, key, err := certutil.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		log.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{
		Addr:      *api,
		Handler:   http.HandlerFunc(store.serve),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}},
	}
	log.Fatal(server.ListenAndServeTLS("", ""))
}

type metricStore struct {
	lock   sync.Mutex
	values map[string]string
}

func (s *metricStore) set(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64))
	if err == nil {
		_, err = resource.ParseQuantity(string(body))
	}
	if err != nil || r.Method != http.MethodPut {
		http.Error(w, fmt.Sprintf("PUT a quantity: %v", err), http.StatusBadRequest)
		return
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.values[strings.Trim(r.URL.Path, "/")] = string(body)
}

func (s *metricStore) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.answer(strings.Split(strings.Trim(r.URL.Path, "/"), "/")))
}

// answer serves /apis/GROUP, /apis/GROUP/v1beta1 and
// /apis/GROUP/v1beta1/namespaces/NAMESPACE/METRIC.
func (s *metricStore) answer(path []string) map[string]any {
	version := metricsGroup + "/v1beta1"
	if len(path) == 6 {
		s.lock.Lock()
		value, known := s.values[path[4]+"/"+path[5]]
		s.lock.Unlock()
		items := []any{}
		if known {
			items = append(items, map[string]any{
				"metricName": path[5], "metricLabels": map[string]string{},
				"timestamp": time.Now().UTC().Format(time.RFC3339), "value": value,
			})
		}
		return map[string]any{"kind": "ExternalMetricValueList", "apiVersion": version, "metadata": map[string]any{}, "items": items}
	}
	if len(path) == 2 {
		served := map[string]string{"groupVersion": version, "version": "v1beta1"}
		return map[string]any{"kind": "APIGroup", "apiVersion": "v1", "name": metricsGroup, "versions": []any{served}, "preferredVersion": served}
	}
	return map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": []any{}}
}
