package keyhaven.conformance;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.ibm.cloud.ibm_key_protect_api.v2.IbmKeyProtectApi;
import com.ibm.cloud.sdk.core.http.ServiceCall;
import com.ibm.cloud.sdk.core.service.exception.ServiceResponseException;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;

/** Prints the lines of the protocol in ../../../../README.md and holds what a case says. */
final class Report {
  /** What a case runs; anything it throws fails the case. */
  interface Body {
    void run() throws Exception;
  }

  /** A difference between what was wanted and what came. */
  static final class Mismatch extends RuntimeException {
    private static final long serialVersionUID = 1;

    Mismatch(String what) {
      super(what);
    }
  }

  /** The frame or the server did not give what the case needs. */
  static final class Absent extends RuntimeException {
    private static final long serialVersionUID = 1;

    Absent(String what) {
      super(what);
    }
  }

  // But for the unit's generation of an RSA key of 4096 bits, which takes seconds and on a busy
  // machine many.
  private static final double SLOWEST_SECONDS = 5;
  private static final double SLOWEST_RSA_SECONDS = 60;
  private static final PrintStream OUT = System.out;

  private Report() {}

  /**
   * Prints the methods that make a request, as reflection finds them; other output goes to
   * standard error.
   */
  static void methods() {
    System.setOut(System.err);
    TreeSet<String> names = new TreeSet<>();
    for (Method method : IbmKeyProtectApi.class.getDeclaredMethods()) {
      if (Modifier.isPublic(method.getModifiers()) && method.getReturnType() == ServiceCall.class)
        names.add(method.getName());
    }
    OUT.println(Client.GSON.toJson(Map.of("methods", names)));
  }

  static void success(String call, String name, Body body) {
    run("success", call, name, body);
  }

  /**
   * The server refuses with `status` and, where the API sends reasons, `code` (empty: no reasons).
   */
  static void refusal(String call, String name, int status, String code, Body body) {
    run("refusal", call, name, () -> refused(status, code, body));
  }

  /** A refusal whose shape the case checks itself. */
  static void refusalOf(String call, String name, Body body) {
    run("refusal", call, name, body);
  }

  private static void run(String kind, String call, String name, Body body) {
    Map<String, String> line = new LinkedHashMap<>();
    line.put("call", call);
    line.put("case", name);
    line.put("kind", kind);
    line.put("result", "pass");
    long started = System.nanoTime();
    try {
      body.run();
    } catch (Absent absent) {
      line.put("result", "skip");
      line.put("why", absent.getMessage());
    } catch (Mismatch mismatch) {
      line.put("result", "fail");
      line.put("why", mismatch.getMessage());
    } catch (ServiceResponseException refused) {
      line.put("result", "fail");
      line.put("why", refused.getStatusCode() + " " + refused.getResponseBody());
    } catch (Exception unexpected) {
      line.put("result", "fail");
      line.put("why", unexpected.toString());
    }
    double seconds = (System.nanoTime() - started) / 1e9;
    if (seconds > (call.equals("postImportToken") ? SLOWEST_RSA_SECONDS : SLOWEST_SECONDS)) {
      line.put("result", "fail");
      line.put(
          "why", String.format("took %.1f s. %s", seconds, line.getOrDefault("why", "")).trim());
    }
    OUT.println(Client.GSON.toJson(line));
    OUT.flush();
  }

  // --- what a case says ---

  static void that(boolean condition, String otherwise) {
    if (!condition)
      throw new Mismatch(otherwise);
  }

  static void equal(String what, Object got, Object want) {
    that(Objects.equals(got, want), what + ": got " + got + ", want " + want);
  }

  static <T> T set(String what, T value) {
    that(value != null, what + " is absent");
    return value;
  }

  /** What the frame prepared; the case is skipped when the server has none. */
  static String given(String variable) {
    String value = System.getenv(variable);
    if (value == null || value.isEmpty())
      throw new Absent(variable + " is not given");
    return value;
  }

  /**
   * The SDK does not know this API's error body: its message is fixed words for some statuses and
   * null for others (410, 422). What the API says is in the body, which the exception keeps.
   */
  static void refused(int status, String code, Body body) throws Exception {
    ServiceResponseException refusal = null;
    try {
      body.run();
    } catch (ServiceResponseException thrown) {
      refusal = thrown;
    }
    that(refusal != null, "not refused; want " + status + " " + code);
    String text = refusal.getStatusCode() + " " + refusal.getResponseBody();
    that(refusal.getStatusCode() == status, "want " + status + " " + code + ", got " + text);
    that(refusal.getHeaders().values("Correlation-Id").size() == 1, "no Correlation-Id: " + text);
    String sent = refusal.getResponseBody();
    if (sent == null || sent.isEmpty()) { // the answer to HEAD
      equal("code of an answer without body", code, null);
      return;
    }
    JsonObject resource = JsonParser.parseString(sent)
                              .getAsJsonObject()
                              .getAsJsonArray("resources")
                              .get(0)
                              .getAsJsonObject();
    if (code.isEmpty()) {
      that(!resource.has("reasons"), "reasons where the API sends none: " + text);
      return;
    }
    JsonObject reason = resource.getAsJsonArray("reasons").get(0).getAsJsonObject();
    equal("code in " + text, reason.get("code").getAsString(), code);
    equal("status of the reason", reason.get("status").getAsInt(), status);
    that(resource.get("errorMsg").getAsString().contains("(" + code + ")"),
        "code not in errorMsg: " + text);
  }
}
