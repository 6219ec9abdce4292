using System.CommandLine;
using TrainHead;

var folder = new Argument<string>("folder") { Description = "Folder with model.json and group1-shard1of1.bin of the npm package." };
var output = new Argument<string>("output") { Description = "File to write." };
var import = new Command("import-weights", "Convert the published MobileNet weights to the embedded file.") { folder, output };
import.SetAction(result => ImportWeights.Run(result.GetRequiredValue(folder), result.GetRequiredValue(output)));

var data = new Argument<string>("data") { Description = "TrashNet: a folder per class and the split lists." };
var heads = new Option<string>("--heads") { Description = "Folder of the heads.", DefaultValueFactory = _ => "libs/Ai/Local/Vision/heads" };
var folds = new Option<string>("--folds")
{
    Description = "Folder of the cross-validation heads.",
    DefaultValueFactory = _ => "tests/libs/Ai.Vision.Tests/folds",
};
var train = new Command("train", "Train the heads and write their metrics. The same data gives the same files on the same kind of processor.") { data, heads, folds };
train.SetAction(result => TrainCommand.Run(result.GetRequiredValue(data), result.GetRequiredValue(heads), result.GetRequiredValue(folds)));

var bench = new Command("bench", "Measure the time per picture.") { data };
bench.SetAction(result => BenchCommand.Run(result.GetRequiredValue(data)));

var folders = new Argument<string[]>("folders") { Description = "Folders of pictures, such as one with desks and others without." };
var resemblance = new Command("desk", "Tell how many pictures of each folder look like a desk.") { folders };
resemblance.SetAction(result => ResemblanceCommand.Run(result.GetRequiredValue(folders)));

return new RootCommand("Trains the heads of the local picture classifier and makes its weights file.") { import, train, bench, resemblance }
    .Parse(args).Invoke();
