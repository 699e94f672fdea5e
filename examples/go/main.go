// Drives an image store through a pipe, with "image-store batch".
//
//	go run . PROGRAM STORE
//
// One JSON object a line goes to the program, and one comes back for each. The protocol is told in
// docs/batch.md. Needs nothing but the standard library.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Refused is the store's refusal of a request; Kind says why in one of a few fixed words.
type Refused struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

func (r *Refused) Error() string { return r.Kind + ": " + r.Message }

// Store is a running "image-store batch". It is not for several goroutines at once.
type Store struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
}

// Open starts the program on the store at path, which is created where it is not there.
func Open(program, path string) (*Store, error) {
	command := exec.Command(program, "--store", path, "batch")
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &Store{command, input, bufio.NewReader(output)}, nil
}

// Close ends the program; an open transaction is aborted.
func (s *Store) Close() error {
	if err := s.input.Close(); err != nil {
		return err
	}
	return s.command.Wait()
}

// Request is one request; a field that is not set is left out.
type Request struct {
	Op      string    `json:"op"`
	ID      string    `json:"id,omitempty"`
	Names   []string  `json:"names,omitempty"`
	Key     string    `json:"key,omitempty"`
	Prefix  *string   `json:"prefix,omitempty"`
	BigData []BigData `json:"big-data,omitempty"`
}

// BigData is an item of an image that is created. Go writes bytes as base64, as the protocol does.
type BigData struct {
	Key  string `json:"key"`
	Data []byte `json:"data"`
}

// Image is what is used here of an image.
type Image struct {
	ID     string   `json:"id"`
	Digest string   `json:"digest"`
	Names  []string `json:"names"`
}

// Ask sends one request and reads its value into value, which may be nil.
func (s *Store) Ask(request Request, value any) error {
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := s.input.Write(append(line, '\n')); err != nil {
		return err
	}
	// Replies can be long: a Scanner would refuse them.
	line, err = s.output.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("image-store ended before it replied: %w", err)
	}
	var reply struct {
		OK    json.RawMessage `json:"ok"`
		Error *Refused        `json:"error"`
	}
	if err := json.Unmarshal(line, &reply); err != nil {
		return err
	}
	if reply.Error != nil {
		return reply.Error
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(reply.OK, value)
}

// Transaction runs steps that become visible and durable at once, or not at all where one fails.
func (s *Store) Transaction(steps func() error) error {
	if err := s.Ask(Request{Op: "begin"}, nil); err != nil {
		return err
	}
	if err := steps(); err != nil {
		if aborted := s.Ask(Request{Op: "abort"}, nil); aborted != nil {
			return aborted
		}
		return err
	}
	return s.Ask(Request{Op: "commit"}, nil)
}

func run(program, path string) error {
	store, err := Open(program, path)
	if err != nil {
		return err
	}
	var image Image
	err = store.Transaction(func() error {
		create := Request{
			Op:      "create",
			Names:   []string{"localhost/app:1"},
			BigData: []BigData{{"manifest", []byte(`{"schemaVersion": 2}`)}},
		}
		if err := store.Ask(create, &image); err != nil {
			return err
		}
		names := []string{"localhost/app:latest"}
		return store.Ask(Request{Op: "add-names", ID: image.ID, Names: names}, nil)
	})
	if err != nil {
		return err
	}
	fmt.Printf("created %.12s with the digest %.19s\n", image.ID, image.Digest)

	prefix := "localhost/"
	var entries []struct{ Name, ID string }
	if err := store.Ask(Request{Op: "names-with-prefix", Prefix: &prefix}, &entries); err != nil {
		return err
	}
	for _, entry := range entries {
		fmt.Printf("named %s\n", entry.Name)
	}
	var manifest []byte
	question := Request{Op: "big-data", ID: "localhost/app:1", Key: "manifest"}
	if err := store.Ask(question, &manifest); err != nil {
		return err
	}
	fmt.Printf("its manifest is %s\n", manifest)

	err = store.Transaction(func() error {
		if err := store.Ask(Request{Op: "delete", ID: "localhost/app:1"}, nil); err != nil {
			return err
		}
		return store.Ask(Request{Op: "delete", ID: "localhost/unknown"}, nil)
	})
	var refused *Refused
	if !errors.As(err, &refused) {
		return fmt.Errorf("what is unknown was deleted: %w", err)
	}
	fmt.Printf("refused: %s\n", refused.Kind)
	var exists bool
	if err := store.Ask(Request{Op: "exists", ID: "localhost/app:1"}, &exists); err != nil {
		return err
	}
	fmt.Printf("still there: %t\n", exists)

	if err := store.Ask(Request{Op: "delete", ID: "localhost/app:1"}, nil); err != nil {
		return err
	}
	var images []Image
	if err := store.Ask(Request{Op: "images"}, &images); err != nil {
		return err
	}
	fmt.Printf("images left: %d\n", len(images))
	return store.Close()
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run . PROGRAM STORE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
