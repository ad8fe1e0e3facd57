import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.antlr.runtime.ANTLRStringStream;
import org.antlr.runtime.BaseRecognizer;
import org.antlr.runtime.CommonToken;
import org.antlr.runtime.CommonTokenStream;
import org.antlr.runtime.RecognitionException;
import org.antlr.runtime.Token;
import org.apache.cassandra.auth.DataResource;
import org.apache.cassandra.cql3.CqlLexer;
import org.apache.cassandra.cql3.CqlParser;
import org.apache.cassandra.cql3.ErrorListener;
import org.apache.cassandra.cql3.QualifiedName;

/**
 * Says how Cassandra's own lexer and parser read texts, without a server.
 *
 * Each line of standard input is a text in Base64, each line of output begins
 * with "judged" and is, with tabs between, either "refused" or
 * - for "tokens": where each token begins and ends ("0-6");
 * - for "statements": for the statement, and each part of it if it is a batch,
 *   the name of the parser's class and, each behind a "|", the qualified names
 *   and keyspaces that it holds: field=keyspace.name or field=name, in Base64.
 */
public class Judge {
    private static class Errors implements ErrorListener {
        int count;

        @Override
        public void syntaxError(BaseRecognizer recognizer, String[] names, RecognitionException error) {
            count++;
        }

        @Override
        public void syntaxError(BaseRecognizer recognizer, String message) {
            count++;
        }
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        PrintStream out = System.out;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String text = new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8);
            out.println("judged\t" + (args[0].equals("tokens") ? tokens(text) : statements(text)));
        }
        out.flush();
    }

    private static String tokens(String text) {
        Errors errors = new Errors();
        CqlLexer lexer = lexer(text, errors);
        StringBuilder result = new StringBuilder();
        for (Token token = lexer.nextToken(); token.getType() != Token.EOF; token = lexer.nextToken()) {
            if (token.getChannel() != Token.DEFAULT_CHANNEL) continue;
            CommonToken common = (CommonToken) token;
            result.append(common.getStartIndex()).append('-').append(common.getStopIndex() + 1).append('\t');
        }
        return errors.count > 0 ? "refused" : result.toString();
    }

    private static String statements(String text) throws Exception {
        Errors errors = new Errors();
        CqlParser parser = new CqlParser(new CommonTokenStream(lexer(text, errors)));
        parser.addErrorListener(errors);
        Object statement;
        try {
            statement = parser.query();
        } catch (RecognitionException | RuntimeException error) {
            return "refused";
        }
        return errors.count > 0 || statement == null ? "refused" : described(statement);
    }

    private static CqlLexer lexer(String text, ErrorListener errors) {
        CqlLexer lexer = new CqlLexer(new ANTLRStringStream(text));
        lexer.addErrorListener(errors);
        return lexer;
    }

    private static String described(Object statement) throws Exception {
        StringBuilder result = new StringBuilder(statement.getClass().getName().replaceAll(".*\\.", ""));
        for (Class<?> type = statement.getClass(); type != Object.class; type = type.getSuperclass())
            for (Field field : type.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers())) continue;
                field.setAccessible(true);
                Object value = field.get(statement);
                if (field.getName().equals("parsedStatements"))
                    for (Object part : (List<?>) value) result.append('\t').append(described(part));
                else if (value instanceof QualifiedName) {
                    QualifiedName name = (QualifiedName) value;
                    if (name.getName() == null) continue; // of an index without one
                    String keyspace = name.hasKeyspace() ? name.getKeyspace() : "";
                    append(result, field, encoded(keyspace) + "." + encoded(name.getName()));
                } else if (value instanceof DataResource && ((DataResource) value).isTableLevel()) {
                    DataResource table = (DataResource) value;
                    String keyspace = table.getKeyspace() == null ? "" : table.getKeyspace();
                    append(result, field, encoded(keyspace) + "." + encoded(table.getTable()));
                } else if (value instanceof String && field.getName().startsWith("keyspace"))
                    append(result, field, encoded((String) value));
            }
        return result.toString();
    }

    private static void append(StringBuilder result, Field field, String value) {
        result.append('|').append(field.getName()).append('=').append(value);
    }

    private static String encoded(String text) {
        return Base64.getEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
