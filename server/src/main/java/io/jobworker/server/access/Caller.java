package io.jobworker.server.access;

import io.jobworker.core.job.Requester;
import io.jobworker.server.clients.Client;
import io.jobworker.server.quota.Quotas;

/**
 * Who makes a call, once that is certain.
 *
 * @param quotas all that the client may have
 * @param certificateSerial of the certificate that was shown, in hexadecimal
 * @param peer the address that the connection comes from
 * @param method the full name of the method that is called
 * @param requestId of this one call
 */
public record Caller(
    Client client,
    Quotas quotas,
    String certificateSerial,
    String peer,
    String method,
    String requestId)
    implements Requester {

  @Override
  public String name() {
    return client.name();
  }
}
