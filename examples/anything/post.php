<?php
// Calls a server by POST, and gets an error.
function call(string $url, string $method, mixed ...$params): array
{
    $request = ["jsonrpc" => "2.0", "id" => 1, "method" => $method, "params" => $params];
    $options = [
        "method" => "POST",
        "header" => "Content-Type: application/json",
        "content" => json_encode($request),
    ];
    $answer = file_get_contents($url, false, stream_context_create(["http" => $options]));
    return json_decode($answer, true, flags: JSON_THROW_ON_ERROR);
}

echo "add: ", call($argv[1], "add", 1, 2)["result"], "\n";
$error = call($argv[1], "fail", 7, "no")["error"];
echo "error ", $error["code"], ": ", $error["message"], "\n";
