// What holds a pod's namespaces open while its containers come and go.
module serin.dev/cluster/pause

go 1.26.0
