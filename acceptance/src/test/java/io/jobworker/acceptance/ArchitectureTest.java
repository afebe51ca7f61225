package io.jobworker.acceptance;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls of what looks at the whole from outside. */
@AnalyzeClasses(packages = "io.jobworker.acceptance")
class ArchitectureTest {
  @ArchTest
  static final ArchRule roomsUseOneAnotherInOneDirection =
      slices().matching("io.jobworker.acceptance.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule whatAllUseKnowsNoTest =
      noClasses()
          .that()
          .resideInAPackage("..acceptance.support..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.jobworker.acceptance", "..acceptance.bench..", "..acceptance.torture..");

  /** Files, units and certificates apart, which tests make as an administrator does. */
  @ArchTest
  static final ArchRule whatIsTestedIsSeenFromOutsideOnly =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.jobworker.core..",
              "io.jobworker.cli..",
              "io.jobworker.server.access..",
              "io.jobworker.server.audit..",
              "io.jobworker.server.clients..",
              "io.jobworker.server.daemon..",
              "io.jobworker.server.gate..",
              "io.jobworker.server.rpc..",
              "io.jobworker.server.transport..");
}
