/** Who may use the server: registered clients, their names in certificates, and their users. */
@NullMarked
package io.jobworker.server.clients;

import org.jspecify.annotations.NullMarked;
