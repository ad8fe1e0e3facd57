// Command gomemcache runs operations on one client of bradfitz/gomemcache and
// prints what came of each.
//
//	gomemcache HOST:PORT < operations.json
//
// An operation is [method, arguments, {}]. A result is {"value": ...} or
// {"error": "..."}.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

type result struct {
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	var operations [][]json.RawMessage
	must(json.NewDecoder(os.Stdin).Decode(&operations))
	client := memcache.New(os.Args[1])
	client.Timeout = 20 * time.Second
	client.MaxIdleConns = 1
	results := []result{}
	for _, operation := range operations {
		var method string
		var args []any
		must(json.Unmarshal(operation[0], &method))
		must(json.Unmarshal(operation[1], &args))
		value, err := run(client, method, args)
		if err != nil {
			results = append(results, result{Error: err.Error()})
		} else {
			results = append(results, result{Value: value})
		}
	}
	must(client.Close())
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"results": results}))
}

func run(client *memcache.Client, method string, args []any) (any, error) {
	switch method {
	case "Get":
		return shown(client.Get(args[0].(string)))
	case "GetAndTouch":
		return shown(client.GetAndTouch(args[0].(string), int32(args[1].(float64))))
	case "GetMulti":
		items, err := client.GetMulti(texts(args))
		values := map[string]string{}
		for key, item := range items {
			values[key] = string(item.Value)
		}
		return values, err
	case "Set":
		return "done", client.Set(item(args))
	case "Add":
		return "done", client.Add(item(args))
	case "Replace":
		return "done", client.Replace(item(args))
	case "Append":
		return "done", client.Append(item(args))
	case "Prepend":
		return "done", client.Prepend(item(args))
	case "CompareAndSwap": // of what is there, or of what was there before
		got, err := client.Get(args[0].(string))
		if err != nil {
			return nil, err
		}
		if len(args) > 2 {
			if err := client.Set(item(args)); err != nil {
				return nil, err
			}
		}
		got.Value = []byte(args[1].(string))
		return "done", client.CompareAndSwap(got)
	case "Increment":
		return client.Increment(args[0].(string), uint64(args[1].(float64)))
	case "Decrement":
		return client.Decrement(args[0].(string), uint64(args[1].(float64)))
	case "Touch":
		return "done", client.Touch(args[0].(string), int32(args[1].(float64)))
	case "Delete":
		return "done", client.Delete(args[0].(string))
	case "FlushAll":
		return "done", client.FlushAll()
	case "Ping":
		return "done", client.Ping()
	}
	return nil, fmt.Errorf("no method %s", method)
}

func item(args []any) *memcache.Item {
	return &memcache.Item{Key: args[0].(string), Value: []byte(args[1].(string)), Flags: 7}
}

func shown(item *memcache.Item, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return []any{string(item.Value), item.Flags}, nil
}

func texts(args []any) []string {
	keys := []string{}
	for _, arg := range args {
		keys = append(keys, arg.(string))
	}
	return keys
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
