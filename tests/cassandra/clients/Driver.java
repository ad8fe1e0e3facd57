import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DriverException;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.metadata.NodeState;
import com.datastax.oss.driver.api.core.servererrors.UnauthorizedException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;

/** The Java driver, used as README.md says. */
public class Driver {
    private static final int WINDOW = 500;
    private static final String INSERT =
        "INSERT INTO shop.orders (id, n, v, b) VALUES (?, ?, ?, ?)";
    private static final BufferedReader INPUT =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    private final CqlSession session;

    private Driver(CqlSession session) {
        this.session = session;
    }

    public static void main(String[] args) throws Exception {
        var port = Integer.parseInt(args[0]);
        var rows = Integer.parseInt(args[4]);
        var address = new InetSocketAddress("127.0.0.1", port);
        var builder = CqlSession.builder()
            .addContactPoint(address)
            .withLocalDatacenter("datacenter1")
            .withAuthCredentials("cassandra", "cassandra")
            .withConfigLoader(settings(args[1], args[2]));
        try (var session = builder.build()) {
            var driver = new Driver(session);
            var answer = switch (args[3]) {
                case "execute" -> driver.execute();
                case "results" -> driver.results(rows);
                case "refusals" -> driver.refusals();
                case "reconnect" -> driver.reconnect();
                default -> throw new IllegalArgumentException(args[3]);
            };
            System.out.println(new ObjectMapper().writeValueAsString(answer));
        }
    }

    private static DriverConfigLoader settings(String version, String compression) {
        var minute = Duration.ofMinutes(1);
        var settings = DriverConfigLoader.programmaticBuilder()
            .withString(DefaultDriverOption.PROTOCOL_VERSION, "V" + version)
            .withDuration(DefaultDriverOption.CONNECTION_CONNECT_TIMEOUT, minute)
            .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, minute)
            .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, minute)
            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, minute)
            .withDuration(DefaultDriverOption.RECONNECTION_BASE_DELAY, Duration.ofMillis(200))
            .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, Duration.ofSeconds(1));
        return (compression.isEmpty()
            ? settings
            : settings.withString(DefaultDriverOption.PROTOCOL_COMPRESSION, compression)).build();
    }

    private Map<String, Object> execute() {
        INPUT.lines().forEach(session::execute);
        return Map.of();
    }

    private Map<String, Object> results(int rows) throws Exception {
        session.execute("TRUNCATE shop.orders");
        session.execute("USE shop");
        var insert = session.prepare("INSERT INTO orders (id, n, v, b) VALUES (?, ?, ?, ?)");
        var select = session.prepare("SELECT n, v FROM orders WHERE id = ?");

        var blob = new byte[1 << 20];
        for (var i = 0; i < blob.length; i++) blob[i] = (byte) i;
        session.execute(insert.bind(1, 0, null, ByteBuffer.wrap(blob)));
        session.execute("INSERT INTO orders (id, n, b) VALUES (1, 1, 0x"
            + HexFormat.of().formatHex(blob, 0, 100_000) + ")");
        var blobs = new ArrayList<String>();
        for (Row row : session.execute("SELECT b FROM shop.orders WHERE id = 1")) {
            var found = row.getByteBuffer(0);
            var bytes = new byte[found.remaining()];
            found.get(bytes);
            blobs.add(digest(bytes));
        }

        insertAtOnce(insert, rows);
        var lines = new StringBuilder();
        var count = 0;
        for (Row row : session.execute(select.bind(2).setPageSize(1000))) {
            lines.append(row.getInt(0)).append(' ').append(row.getString(1)).append('\n');
            count++;
        }

        var batch = BatchStatement.builder(BatchType.LOGGED);
        for (var n = 0; n < 10; n++) batch.addStatement(insert.bind(3, n, "batch", null));
        batch.addStatement(SimpleStatement.newInstance(
            "UPDATE shop.orders SET v = ? WHERE id = 3 AND n = 99", "text"));
        session.execute(batch.build());
        session.execute("BEGIN BATCH INSERT INTO orders (id, n) VALUES (3, 100);"
            + " DELETE FROM shop.orders WHERE id = 3 AND n = 0 APPLY BATCH");
        var batches = new ArrayList<List<Object>>();
        for (Row row : session.execute(select.bind(3))) {
            batches.add(Arrays.asList(row.getInt(0), row.getString(1)));
        }

        var traced = SimpleStatement.newInstance("SELECT n FROM orders WHERE id = 3");
        var trace = session.execute(traced.setTracing(true)).getExecutionInfo().getQueryTrace();
        var columns = session.getMetadata().getKeyspace("shop").orElseThrow()
            .getTable("orders").orElseThrow().getColumns().keySet().stream()
            .map(CqlIdentifier::asInternal).sorted().toList();
        return Map.of(
            "blobs", blobs,
            "pages", List.of(count, digest(lines.toString().getBytes(StandardCharsets.UTF_8))),
            "batches", batches,
            "traced", !trace.getEvents().isEmpty(),
            "schema", columns);
    }

    private void insertAtOnce(PreparedStatement insert, int rows) {
        for (var from = 0; from < rows; from += WINDOW) {
            var pending = new ArrayList<CompletionStage<AsyncResultSet>>();
            for (var n = from; n < Math.min(from + WINDOW, rows); n++) {
                pending.add(session.executeAsync(insert.bind(2, n, "v" + n, null)));
            }
            pending.forEach(each -> each.toCompletableFuture().join());
        }
    }

    private Map<String, Object> refusals() {
        var seen = new TreeMap<String, Integer>();
        INPUT.lines().forEach(text -> {
            refused(seen, () -> session.execute(text));
            refused(seen, () -> session.prepare(text));
        });
        var insert = session.prepare(INSERT);
        var batch = BatchStatement.newInstance(BatchType.LOGGED,
            insert.bind(1, 1, null, null),
            SimpleStatement.newInstance("INSERT INTO shop.secret (id) VALUES (1)"));
        refused(seen, () -> session.execute(batch));
        for (var n = 0; n < 100; n++) session.execute(insert.bind(9, n, null, null));
        var up = session.getMetadata().getNodes().values().stream()
            .allMatch(node -> node.getState() == NodeState.UP);
        return Map.of("refusals", seen, "up", up);
    }

    private static void refused(Map<String, Integer> seen, Runnable act) {
        var refusal = "nothing";
        try {
            act.run();
        } catch (UnauthorizedException error) {
            refusal = "Unauthorized";
        } catch (RuntimeException error) {
            refusal = error.toString();
        }
        seen.merge(refusal, 1, Integer::sum);
    }

    private Map<String, Object> reconnect() throws Exception {
        var insert = session.prepare(INSERT);
        session.execute(insert.bind(7, 0, null, null));
        System.out.println("ready");
        INPUT.readLine();
        var end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        var done = 0;
        while (done < 100 && System.nanoTime() < end) {
            try {
                session.execute(insert.bind(7, done, null, null));
                done++;
            } catch (DriverException error) {
                Thread.sleep(100);
            }
        }
        return Map.of("back", done == 100);
    }

    private static String digest(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
