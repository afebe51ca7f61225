// Runs `ls -la` as a job, and stops a second one. Usage: main_job CLIENT.toml
package main

//go:generate sh generate.sh

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/BurntSushi/toml"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	pb "job-worker.example/main_job/jobworkerv1"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// connect is for the file that `job-worker-server client add` has written.
func connect(file string) pb.JobWorkerClient {
	var me struct{ Address, CA, Cert, Key string }
	must(toml.DecodeFile(file, &me))
	own := must(tls.X509KeyPair([]byte(me.Cert), []byte(me.Key)))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(me.CA))
	tls := credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{own}, RootCAs: roots})
	return pb.NewJobWorkerClient(must(grpc.NewClient(me.Address, grpc.WithTransportCredentials(tls))))
}

func main() {
	server, ctx := connect(os.Args[1]), context.Background()
	job := must(server.Start(ctx, &pb.JobRequest{Spec: &pb.JobSpec{Command: []string{"ls", "-la"}}}))
	fmt.Println(job.Id, "is", must(server.Status(ctx, &pb.JobRequest{Id: job.Id})).Status)
	logs := must(server.Logs(ctx, &pb.JobRequest{Id: job.Id}))
	for message, err := logs.Recv(); err != io.EOF; message, err = logs.Recv() { // until the job ends
		if must(message, err).DroppedBytes > 0 {
			log.Println(message.DroppedBytes, "bytes are kept no more")
		}
		out := os.Stdout
		if message.Stream == pb.Stream_STREAM_STDERR {
			out = os.Stderr
		}
		must(out.Write(message.Log))
	}
	ended := must(server.Status(ctx, &pb.JobRequest{Id: job.Id}))
	fmt.Println(job.Id, "is", ended.Status, "with exit code", ended.GetExitCode())
	second := must(server.Start(ctx, &pb.JobRequest{Spec: &pb.JobSpec{Command: []string{"sleep", "1000"}}}))
	fmt.Println(second.Id, "is", must(server.Stop(ctx, &pb.JobRequest{Id: second.Id})).Status)
}
