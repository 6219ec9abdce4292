using Imaging;
using RenderSamples;

if (args is not [var folder] || folder.StartsWith('-'))
{
    Console.Error.WriteLine("Writes sample pictures: dotnet run --project tools/RenderSamples -- FOLDER");
    return 2;
}

Directory.CreateDirectory(folder);
foreach (var (name, picture) in SamplePictures.All)
{
    var file = Path.Combine(folder, $"{name}.png");
    await File.WriteAllBytesAsync(file, PngEncoder.Encode(picture, System.IO.Compression.CompressionLevel.Optimal));
    Console.WriteLine(file);
}

return 0;
