// What a connection of load.c says, in each protocol, and what it must hear.
//
// memcached: it sets a key of its own once, then gets it again and again.
//
// Cassandra, native protocol v4: it prepares a statement once, then executes it
// with a key of its own again and again, or sends it as a text with that key; what
// is outstanding has a stream each.
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cassandra.h"

struct text {
  char *bytes;
  int length;
};

enum { MAX_REQUEST = 96 };

struct workload {
  struct text greeting, welcome;  // once
  struct text request, reply;     // again and again
  int stream_at;  // where both have the number of what is outstanding; -1: nowhere
};

static struct text room(int bytes) {
  return (struct text){malloc(bytes), 0};
}

static void free_workload(struct workload *w) {
  free(w->greeting.bytes), free(w->welcome.bytes);
  free(w->request.bytes), free(w->reply.bytes);
}

static void add(struct text *to, const void *bytes, int length) {
  memcpy(to->bytes + to->length, bytes, length);
  to->length += length;
}

static void add_value(struct text *to, int bytes) {
  for (int i = 0; i < bytes; i++) to->bytes[to->length++] = 'a' + i % 26;
}

static struct workload memcached(int key, int bytes) {
  struct workload w = {room(64 + bytes), room(8), room(MAX_REQUEST), room(64 + bytes), -1};
  char line[64];
  add(&w.greeting, line, sprintf(line, "set bench/%06d 0 0 %d\r\n", key, bytes));
  add_value(&w.greeting, bytes);
  add(&w.greeting, "\r\n", 2);
  add(&w.welcome, "STORED\r\n", 8);
  add(&w.request, line, sprintf(line, "get bench/%06d\r\n", key));
  add(&w.reply, line, sprintf(line, "VALUE bench/%06d 0 %d\r\n", key, bytes));
  add_value(&w.reply, bytes);
  add(&w.reply, "\r\nEND\r\n", 7);
  return w;
}

static void add_frame(struct text *to, int version, int stream, int opcode,
                      int body) {
  char head[HEADER];
  write_header(head, version, stream, opcode, body);
  add(to, head, HEADER);
}

/** An EXECUTE, with the key as its value. */
static void add_execute(struct text *to, int key) {
  char name[16];
  int length = sprintf(name, "%06d", key);
  add_frame(to, REQUEST, 0, EXECUTE, LENGTH(ID) + LENGTH(ONE_VALUE) + length);
  add(to, ID, LENGTH(ID));
  add(to, ONE_VALUE, LENGTH(ONE_VALUE));
  add(to, name, length);
}

/** A QUERY, with the key in its text. */
static void add_query(struct text *to, int key) {
  char text[MAX_REQUEST];
  int length = sprintf(text, CQL_OF_KEY, key);
  add_frame(to, REQUEST, 0, QUERY, 4 + length + LENGTH(NO_VALUES));
  add(to, &(uint32_t){htonl(length)}, 4);
  add(to, text, length);
  add(to, NO_VALUES, LENGTH(NO_VALUES));
}

static struct workload cassandra(int key, int bytes, bool as_text) {
  struct workload w = {room(256), room(256), room(MAX_REQUEST), room(256 + bytes), STREAM};
  add_frame(&w.greeting, REQUEST, 0, STARTUP, LENGTH(VERSION_MAP));
  add(&w.greeting, VERSION_MAP, LENGTH(VERSION_MAP));
  add_frame(&w.greeting, REQUEST, 1, PREPARE, 4 + LENGTH(CQL));
  add(&w.greeting, &(uint32_t){htonl(LENGTH(CQL))}, 4);
  add(&w.greeting, CQL, LENGTH(CQL));
  add_frame(&w.welcome, RESPONSE, 0, READY, 0);
  add_frame(&w.welcome, RESPONSE, 1, RESULT, LENGTH(PREPARED));
  add(&w.welcome, PREPARED, LENGTH(PREPARED));

  if (as_text) add_query(&w.request, key);
  else add_execute(&w.request, key);
  add_frame(&w.reply, RESPONSE, 0, RESULT, LENGTH(ROWS) + 4 + bytes);
  add(&w.reply, ROWS, LENGTH(ROWS));
  add(&w.reply, &(uint32_t){htonl(bytes)}, 4);
  add_value(&w.reply, bytes);
  return w;
}
