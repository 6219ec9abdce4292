using Contracts;
using ServiceContract;

namespace Images.Tests;

/// <summary>The document of images, and whom it answers.</summary>
public sealed class ContractTests() : AppContract<ImagesService>(Apps.Images, ("Images:ObjectsPath", Path.GetTempPath()));
