package io.jobworker.base;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls of what everything stands on. */
@AnalyzeClasses(packages = "io.jobworker.base", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule roomsUseOneAnotherInOneDirection =
      slices().matching("io.jobworker.base.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule itKnowsNothingOfJobs =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.jobworker.core..", "io.jobworker.server..", "io.jobworker.api..", "io.grpc..");

  @ArchTest
  static final ArchRule onlyUsageKnowsHowCommandLinesAreRead =
      noClasses()
          .that()
          .resideOutsideOfPackage("..base.usage..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("picocli..");

  @ArchTest
  static final ArchRule nativeFunctionsAreBoundInOnePlace =
      noClasses()
          .that()
          .doNotHaveSimpleName("Ffm")
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.lang.foreign.Linker");
}
