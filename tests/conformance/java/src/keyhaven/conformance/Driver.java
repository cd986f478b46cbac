package keyhaven.conformance;

/**
 * Driver of the conformance suite for the vendor's Java SDK. It is told a URL, an identity URL and
 * a CA (in the JVM's trust store) and calls every method of the service class through its own
 * types.
 */
public final class Driver {
  private Driver() {}

  /** Runs all cases; the environment is that of ../../../../README.md. */
  public static void main(String[] arguments) throws Exception {
    Report.methods();
    Client manager = Client.of("KH_APIKEY");
    LifeCases life = new LifeCases(manager);
    life.startClocks();
    new KeyCases(manager).run();
    new UseCases(manager).run();
    new RingCases(manager).run();
    new ImportCases(manager).run();
    new PolicyCases(manager).run();
    life.run();
    life.finish();
    // The SDK's connection pool keeps threads for minutes.
    System.exit(0);
  }
}
