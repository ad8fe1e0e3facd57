// As much of Cassandra's native protocol v4 as one statement needs
// (native_protocol_v4.spec, sections 2 to 4).
enum { HEADER = 9, STREAM = 2, OPCODE = 4, BODY_LENGTH = 5 };
enum { REQUEST = 0x04, RESPONSE = 0x84 };
enum { STARTUP = 0x01, READY = 0x02, RESULT = 0x08, PREPARE = 0x09, EXECUTE = 0x0a,
       QUERY = 0x07 };

#define LENGTH(text) ((int)sizeof(text) - 1)

#define CQL "SELECT v FROM bench.items WHERE k = ?"
/** The same as a text of its own, of 60 characters. */
#define CQL_OF_KEY "SELECT v FROM bench.items WHERE k = '%06d' AND c > 1234567"
#define VERSION_MAP "\0\1\0\13CQL_VERSION\0\0053.0.0"
#define ID "\0\20" "bench-statement!"

/** Behind the id: consistency ONE, values, one of them, of six bytes. */
#define ONE_VALUE "\0\1\1\0\1\0\0\0\6"

/** Behind a text: consistency ONE, no flags. */
#define NO_VALUES "\0\1\0"

/** RESULT: prepared; one bound variable, the key, and one column, a blob. */
#define PREPARED                                                              \
  "\0\0\0\4" ID "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\5bench\0\5items\0\1k\0\15"    \
  "\0\0\0\1\0\0\0\1\0\5bench\0\5items\0\1v\0\3"

/** RESULT: rows, one of one blob, which follows. */
#define ROWS \
  "\0\0\0\2\0\0\0\1\0\0\0\1\0\5bench\0\5items\0\1v\0\3\0\0\0\1"

static void write_header(char *to, int version, int stream, int opcode, int body) {
  const char head[HEADER] = {version,    0,          stream >> 8, stream, opcode,
                             body >> 24, body >> 16, body >> 8,   body};
  for (int i = 0; i < HEADER; i++) to[i] = head[i];
}
