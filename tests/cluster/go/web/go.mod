// A server to send requests to.
module serin.dev/cluster/web

go 1.26.0
