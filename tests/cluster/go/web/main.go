// Web answers every request with one line: the value of ANSWER, or else the name of its host, which is the pod's.
// On SIGTERM it ends what it is answering, and then itself.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	answer := os.Getenv("ANSWER")
	if answer == "" {
		answer, _ = os.Hostname()
	}
	handler := http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(response, answer)
	})
	server := &http.Server{Addr: ":8080", Handler: handler}
	end, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	ended := make(chan error)
	go func() {
		<-end.Done()
		ended <- server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
}
