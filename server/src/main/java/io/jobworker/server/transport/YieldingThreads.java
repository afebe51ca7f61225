package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.jobworker.base.linux.ProcessCalls;

/**
 * The threads of the event loops give way to those that launch jobs and capture their output: what
 * is sent, which can be as much as clients take, delays no Start.
 */
final class YieldingThreads extends DefaultThreadFactory {
  private static final int NICE = 5;

  YieldingThreads(String name) {
    super(name, true);
  }

  @Override
  protected Thread newThread(Runnable task, String name) {
    return super.newThread(
        () -> {
          var _ = ProcessCalls.giveWay(NICE);
          task.run();
        },
        name);
  }
}
