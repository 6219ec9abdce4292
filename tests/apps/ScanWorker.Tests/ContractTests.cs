using Contracts;
using ServiceContract;

namespace ScanWorker.Tests;

/// <summary>The document of scan-worker, and whom it answers.</summary>
public sealed class ContractTests() : AppContract<ScanWorkerService>(Apps.ScanWorker);
