package main

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// grpcService describes the service, as generated code would.
var grpcService = grpc.ServiceDesc{
	ServiceName: "bench.App",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		{MethodName: "Echo", Handler: grpcEcho},
		{MethodName: "Nap", Handler: grpcNap},
	},
}

func grpcEcho(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := &wrapperspb.BytesValue{}
	if err := decode(in); err != nil {
		return nil, err
	}
	return &wrapperspb.BytesValue{Value: in.Value}, nil
}

func grpcNap(srv any, ctx context.Context, decode func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
	out, err := grpcEcho(srv, ctx, decode, i)
	if err == nil {
		napIf(out.(*wrapperspb.BytesValue).Value[0])
	}
	return out, err
}

func serveGRPC() (string, error) {
	l, err := net.Listen("tcp", loopback)
	if err != nil {
		return "", err
	}
	s := grpc.NewServer()
	s.RegisterService(&grpcService, nil)
	go func() { _ = s.Serve(l) }() // until the process ends
	return l.Addr().String(), nil
}

type grpcClient struct{ c *grpc.ClientConn }

func dialGRPC(addr string) (client, error) {
	c, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return grpcClient{c}, nil
}

func (c grpcClient) close() { c.c.Close() }

func (c grpcClient) caller(o op, size int) (func(bool) error, error) {
	data := &wrapperspb.BytesValue{Value: make([]byte, size)}
	drowsy := &wrapperspb.BytesValue{Value: make([]byte, size)}
	drowsy.Value[0] = napByte
	invoke := func(method string, in *wrapperspb.BytesValue) error {
		out := &wrapperspb.BytesValue{}
		if err := c.c.Invoke(context.Background(), method, in, out); err != nil {
			return err
		}
		return checkSize(len(out.Value), size)
	}
	switch o {
	case opEcho:
		return func(bool) error { return invoke("/bench.App/Echo", data) }, nil
	case opNap:
		return func(sleep bool) error {
			if sleep {
				return invoke("/bench.App/Nap", drowsy)
			}
			return invoke("/bench.App/Nap", data)
		}, nil
	}
	return nil, errNoOp
}
