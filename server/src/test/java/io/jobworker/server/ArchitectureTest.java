package io.jobworker.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls between the rooms of the server. */
@AnalyzeClasses(packages = "io.jobworker.server", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule roomsUseOneAnotherInOneDirection =
      slices().matching("io.jobworker.server.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule noRoomKnowsTheProgram =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.jobworker.server")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.jobworker.server");

  @ArchTest
  static final ArchRule whoMayWhatIsDecidedWithoutTheTransport =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "..server.gate..",
              "..server.rpc..",
              "..server.transport..",
              "..server.tls..",
              "..server.daemon..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.grpc..");

  @ArchTest
  static final ArchRule onlyTheTransportAndItsTlsKnowNetty =
      noClasses()
          .that()
          .resideOutsideOfPackages("..server.transport..", "..server.tls..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.grpc.netty..");

  @ArchTest
  static final ArchRule theAuditIsToldByThoseWhoSeeWhatHappens =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "..server.audit..",
              "..server.gate..",
              "..server.rpc..",
              "..server.metrics..",
              "..server.daemon..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("..server.audit..");

  @ArchTest
  static final ArchRule onlyTheGateDecidesWhoMayWhat =
      noClasses()
          .that()
          .resideOutsideOfPackages("..server.access..", "..server.gate..", "..server.daemon..")
          .should()
          .dependOnClassesThat()
          .haveSimpleNameStartingWith("Permissions")
          .orShould()
          .dependOnClassesThat()
          .haveSimpleNameStartingWith("Authenticator");

  @ArchTest
  static final ArchRule ofTheLibraryItUsesTheFrontDoorAndTheReadersSide =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.jobworker.core.process..",
              "io.jobworker.core.cgroup..",
              "io.jobworker.core.store..");

  @ArchTest
  static final ArchRule itReadsTheOutputOfJobsAndNoMore =
      noClasses()
          .that()
          .resideOutsideOfPackages("..server.config..", "..server.daemon..") // how a log is to be
          .should()
          .dependOnClassesThat()
          .haveSimpleName("OutputLog");
}
