// Calls a server, is called by it, takes a subscription, gets an error.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"
)

type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"` // the server's is sent back as it is
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *failure        `json:"error,omitempty"`
}

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

var (
	socket *websocket.Conn
	lastID int
)

func main() {
	var err error
	socket, _, err = websocket.DefaultDialer.Dial(os.Args[1], nil)
	check(err)
	defer socket.Close()

	fmt.Println("add:", decode[int](call("add", 1, 2).Result))
	fmt.Println("call_back:", decode[string](call("call_back", "shout", []string{"hi"}).Result))
	subscription := decode[string](call("ticks", 10, 100).Result)
	for n := 0; n < 3; n++ {
		fmt.Println("tick", decode[struct{ Result int }](receive().Params).Result)
	}
	call("unsubscribe_ticks", subscription)
	failed := call("fail", 7, "no").Error
	fmt.Printf("error %d: %s\n", failed.Code, failed.Message)
}

func call(method string, params ...any) message {
	lastID++
	id := strconv.Itoa(lastID)
	check(socket.WriteJSON(message{Version: "2.0", ID: json.RawMessage(id), Method: method, Params: encode(params)}))
	for {
		if answer := receive(); string(answer.ID) == id { // else an item of a subscription
			return answer
		}
	}
}

// receive returns the next answer or notification; requests of the server are answered on the way.
func receive() message {
	for {
		var received message
		check(socket.ReadJSON(&received))
		if received.Method == "" || received.ID == nil {
			return received
		}
		check(socket.WriteJSON(serve(received)))
	}
}

// serve answers a request of the server.
func serve(request message) message {
	answer := message{Version: "2.0", ID: request.ID}
	var params []string
	if request.Method == "shout" && json.Unmarshal(request.Params, &params) == nil && len(params) == 1 {
		fmt.Println("the server calls shout:", params[0])
		answer.Result = encode(strings.ToUpper(params[0]))
	} else {
		answer.Error = &failure{-32601, "no such method"}
	}
	return answer
}

func encode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	check(err)
	return text
}

func decode[T any](text json.RawMessage) (value T) {
	check(json.Unmarshal(text, &value))
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
