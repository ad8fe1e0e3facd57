// Go's gocql, used as ../README.md says.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/apache/cassandra-gocql-driver/v2/lz4"
	"github.com/apache/cassandra-gocql-driver/v2/snappy"
)

const (
	insert = "INSERT INTO shop.orders (id, n, v, b) VALUES (?, ?, ?, ?)"
	window = 500
)

var compressors = map[string]gocql.Compressor{
	"lz4":    &lz4.LZ4Compressor{},
	"snappy": snappy.SnappyCompressor{},
}

var input = bufio.NewReader(os.Stdin)

type answer = map[string]any

func main() {
	port, version, rows := number(os.Args[1]), number(os.Args[2]), number(os.Args[5])
	task := os.Args[4]
	cluster := gocql.NewCluster("127.0.0.1")
	cluster.Port = port
	cluster.ProtoVersion = version
	cluster.Authenticator = gocql.PasswordAuthenticator{Username: "cassandra", Password: "cassandra"}
	cluster.Consistency = gocql.One
	cluster.Timeout = 60 * time.Second
	cluster.ConnectTimeout = 60 * time.Second
	cluster.ReconnectInterval = 200 * time.Millisecond
	if compressor, ok := compressors[os.Args[3]]; ok {
		cluster.Compressor = compressor
	}
	if task == "results" {
		cluster.Keyspace = "shop"
	}
	session, err := cluster.CreateSession()
	must(err)
	defer session.Close()
	tasks := map[string]func(*gocql.Session, int) answer{
		"execute":   execute,
		"results":   results,
		"refusals":  refusals,
		"reconnect": reconnect,
	}
	must(json.NewEncoder(os.Stdout).Encode(tasks[task](session, rows)))
}

func execute(session *gocql.Session, _ int) answer {
	for _, text := range statements() {
		must(session.Query(text).Exec())
	}
	return answer{}
}

func results(session *gocql.Session, rows int) answer {
	must(session.Query("TRUNCATE shop.orders").Exec())
	blob := make([]byte, 1<<20)
	for i := range blob {
		blob[i] = byte(i)
	}
	must(session.Query(insert, 1, 0, nil, blob).Exec())
	must(session.Query(fmt.Sprintf("INSERT INTO orders (id, n, b) VALUES (1, 1, 0x%x)", blob[:100_000])).Exec())
	blobs := []string{}
	var found []byte
	iter := session.Query("SELECT b FROM shop.orders WHERE id = ?", 1).Iter()
	for iter.Scan(&found) {
		blobs = append(blobs, digest(found))
	}
	must(iter.Close())

	insertAtOnce(session, rows)
	var n int
	var v *string
	var lines bytes.Buffer
	count := 0
	iter = session.Query("SELECT n, v FROM orders WHERE id = ?", 2).PageSize(1000).Iter()
	for iter.Scan(&n, &v) {
		fmt.Fprintf(&lines, "%d %s\n", n, *v)
		count++
	}
	must(iter.Close())

	batch := session.Batch(gocql.LoggedBatch)
	for i := 0; i < 10; i++ {
		batch.Query(insert, 3, i, "batch", nil)
	}
	batch.Query("UPDATE shop.orders SET v = 'text' WHERE id = 3 AND n = 99")
	must(batch.Exec())
	must(session.Query("BEGIN BATCH INSERT INTO orders (id, n) VALUES (3, 100);" +
		" DELETE FROM shop.orders WHERE id = 3 AND n = 0 APPLY BATCH").Exec())
	batches := [][]any{}
	iter = session.Query("SELECT n, v FROM orders WHERE id = ?", 3).Iter()
	for iter.Scan(&n, &v) {
		batches = append(batches, []any{n, v})
		v = nil
	}
	must(iter.Close())

	var trace bytes.Buffer
	must(session.Query("SELECT n FROM orders WHERE id = 3").
		Trace(gocql.NewTraceWriter(session, &trace)).Exec())
	keyspace, err := session.KeyspaceMetadata("shop")
	must(err)
	columns := keyspace.Tables["orders"].OrderedColumns
	sort.Strings(columns)
	return answer{
		"blobs":   blobs,
		"pages":   []any{count, digest(lines.Bytes())},
		"batches": batches,
		"traced":  trace.Len() > 0,
		"schema":  columns,
	}
}

func insertAtOnce(session *gocql.Session, rows int) {
	ended := make(chan error, rows)
	free := make(chan struct{}, window)
	for n := 0; n < rows; n++ {
		free <- struct{}{}
		go func(n int) {
			ended <- session.Query(insert, 2, n, fmt.Sprintf("v%d", n), nil).Exec()
			<-free
		}(n)
	}
	for n := 0; n < rows; n++ {
		must(<-ended)
	}
}

func refusals(session *gocql.Session, _ int) answer {
	seen := map[string]int{}
	for _, text := range statements() {
		// It prepares by itself what may be prepared.
		seen[refusal(session.Query(text).Exec())]++
	}
	batch := session.Batch(gocql.LoggedBatch)
	batch.Query(insert, 1, 1, nil, nil)
	batch.Query("INSERT INTO shop.secret (id) VALUES (1)")
	seen[refusal(batch.Exec())]++
	for n := 0; n < 100; n++ {
		must(session.Query(insert, 9, n, nil, nil).Exec())
	}
	up := true
	for _, host := range session.GetHosts() {
		up = up && host.IsUp()
	}
	return answer{"refusals": seen, "up": up}
}

func refusal(err error) string {
	var request gocql.RequestError
	switch {
	case err == nil:
		return "nothing"
	case errors.As(err, &request) && request.Code() == gocql.ErrCodeUnauthorized:
		return "Unauthorized"
	default:
		return err.Error()
	}
}

func reconnect(session *gocql.Session, _ int) answer {
	must(session.Query(insert, 7, 0, nil, nil).Exec())
	fmt.Println("ready")
	_, err := input.ReadString('\n')
	must(err)
	end := time.Now().Add(time.Minute)
	done := 0
	for done < 100 && time.Now().Before(end) {
		if session.Query(insert, 7, done, nil, nil).Exec() == nil {
			done++
		} else {
			time.Sleep(100 * time.Millisecond)
		}
	}
	return answer{"back": done == 100}
}

func statements() []string {
	lines := []string{}
	for {
		line, err := input.ReadString('\n')
		if line != "" {
			lines = append(lines, line)
		}
		if err != nil {
			return lines
		}
	}
}

func digest(data []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
